import { encodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { toAllocation } from './resource.js';
import { listItems, type AllocationRow } from './sql.js';

export type AllocationEvent = 'held' | 'confirmed' | 'renewed' | 'released' | 'expired';

/** One feed row a change of an allocation; public and audit part show it whole, it holds nothing personal. */
export async function recordAllocation(
  tx: Tx,
  row: AllocationRow,
  change: { event: AllocationEvent; traceparent: string | undefined; auditOnly?: readonly object[] },
) {
  const seen = toAllocation({ ...row, overdue: false }, await listItems(tx, [row.id]));
  await record(tx, 'inventory', {
    type: `inventory.allocation.${change.event}`,
    resource: { type: 'inventory.allocation', id: row.id, version: row.version },
    scope: {
      tenantId: row.tenantId,
      ...(row.projectId === null ? {} : { projectId: row.projectId }),
      environmentId: row.scopeId,
    },
    event: seen,
    audit: {
      after: seen,
      ...(change.auditOnly === undefined || change.auditOnly.length === 0 ? {} : { auditOnly: change.auditOnly }),
    },
    ...(change.traceparent === undefined ? {} : { traceparent: change.traceparent }),
  });
  return seen;
}

interface TakenBlock {
  readonly id: string;
  readonly cidr: string;
  readonly tenantId: string;
  readonly parent: { readonly id: string; readonly spaceId: string };
}

export async function recordBlockCreated(tx: Tx, block: TakenBlock, traceparent: string | undefined): Promise<void> {
  const seen = {
    id: encodeId('blk', block.id),
    version: 1,
    cidr: block.cidr,
    parentId: encodeId('blk', block.parent.id),
    spaceId: encodeId('spc', block.parent.spaceId),
  };
  await record(tx, 'inventory', {
    type: 'inventory.addressBlock.created',
    resource: { type: 'inventory.addressBlock', id: block.id, version: 1 },
    scope: { tenantId: block.tenantId },
    event: seen,
    audit: { after: seen },
    ...(traceparent === undefined ? {} : { traceparent }),
  });
}

export async function recordBlockRemoved(
  tx: Tx,
  block: { id: string; version: number; cidr: string; tenantId: string },
  traceparent: string | undefined,
) {
  const seen = { id: encodeId('blk', block.id), version: block.version, cidr: block.cidr };
  await record(tx, 'inventory', {
    type: 'inventory.addressBlock.removed',
    resource: { type: 'inventory.addressBlock', id: block.id, version: block.version },
    scope: { tenantId: block.tenantId },
    event: seen,
    audit: { after: seen },
    ...(traceparent === undefined ? {} : { traceparent }),
  });
}
