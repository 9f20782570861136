import { encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { AllocationRow, ItemRow } from './sql.js';

/** A row as the contract shows it: ids as TypeIDs, an overdue hold as expired. */
export function toAllocation(row: AllocationRow, items: readonly ItemRow[]): Allocation {
  // Shown by the clock, whether or not anyone has ended it yet.
  const expiredAt = row.overdue ? row.expiresAt : null;
  const endedAt = row.endedAt ?? expiredAt;
  return {
    id: encodeId('alc', row.id),
    type: 'allocation',
    version: row.version,
    tenantId: encodeId('tnt', row.tenantId),
    ...(row.projectId === null ? {} : { projectId: encodeId('prj', row.projectId) }),
    environmentId: encodeId('env', row.scopeId),
    requestId: row.requestId,
    consumer: { service: row.consumerService, kind: row.consumerKind, id: row.consumerId },
    state: expiredAt === null ? row.state : 'expired',
    items: items.map(toItem),
    labels: row.labels,
    onExpiry: row.onExpiry,
    ...(row.ttlSeconds === null ? {} : { ttlSeconds: row.ttlSeconds }),
    ...(row.maxTtlSeconds === null ? {} : { maxTtlSeconds: row.maxTtlSeconds }),
    ...(row.boundTaskId === null ? {} : { boundTaskId: encodeId('tsk', row.boundTaskId) }),
    ...(row.policyVersion === null ? {} : { policyVersion: row.policyVersion }),
    startsAt: row.startsAt.toISOString(),
    ...(row.expiresAt === null
      ? {}
      : { [row.ttlSeconds === null ? 'endsAt' : 'expiresAt']: row.expiresAt.toISOString() }),
    ...(row.noticeSeconds === null ? {} : { noticeSeconds: row.noticeSeconds }),
    ...(row.noticeAt === null ? {} : { noticeAt: row.noticeAt.toISOString() }),
    ...(row.noticedAt === null ? {} : { noticedAt: row.noticedAt.toISOString() }),
    ...(row.failure === null ? {} : { failure: row.failure }),
    ...(row.flags.length === 0 ? {} : { flags: row.flags }),
    ...(endedAt === null ? {} : { endedAt: endedAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function toItem(item: ItemRow): Allocation['items'][number] {
  return {
    id: encodeId('ali', item.id),
    what: item.what,
    ...(item.nodeId === null ? {} : { nodeId: encodeId('nod', item.nodeId) }),
    ...(item.class === null ? {} : { class: item.class, amount: item.amount }),
    ...(item.domainId === null ? {} : { domainId: encodeId('ndm', item.domainId) }),
    ...(item.number === null ? {} : { number: item.number }),
    ...(item.spaceId === null ? {} : { spaceId: encodeId('spc', item.spaceId) }),
    ...(item.blockId === null ? {} : { blockId: encodeId('blk', item.blockId) }),
    ...(item.address === null ? {} : { address: item.address }),
    ...(item.cidr === null ? {} : { cidr: item.cidr }),
    ...(item.takenBlockId === null ? {} : { takenBlockId: encodeId('blk', item.takenBlockId) }),
    fence: item.fence,
    ...(item.releasedAt === null ? {} : { releasedAt: item.releasedAt.toISOString() }),
  };
}
