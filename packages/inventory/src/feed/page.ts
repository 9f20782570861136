import type { Caller } from '@sentral/contracts/contract';
import { encodeId, type Prefix } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { feedPage, numberedLease, unnumberedSince, type FeedRow } from '@sentral/kernel/feed';
import { leasePosition } from '@sentral/kernel/lease';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';

/**
 * Facts after a position, in order and without a gap.
 * @throws Problem permission-denied, position-expired
 */
export async function pageFeed(
  deps: Deps,
  caller: Caller,
  command: { afterPos: number; limit: number },
): Promise<{ items: FeedItem[]; more: boolean; unnumberedSince?: string }> {
  // The feed holds the facts of every tenant and the audit parts: it is for the contexts themselves.
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'inventory.feed.read' });
  // Asked before the rows: what is numbered between the two is in them, and is no gap.
  const since = await unnumberedSince(deps.db.platform, schemaName);
  const numbered = await leasePosition(deps.db.platform, schemaName, numberedLease);
  const rows = await feedPage(deps.db.platform, schemaName, command.afterPos, command.limit);
  const first = rows[0]?.pos ?? numbered + 1;
  // Positions are dense, so a later first one means that what lay between is no longer kept.
  if (first > command.afterPos + 1) throw problem('position-expired', { oldest: first });
  return {
    items: rows.map(toItem),
    more: rows.length === command.limit,
    ...(since === undefined ? {} : { unnumberedSince: since.toISOString() }),
  };
}

const prefixOf: Record<string, Prefix> = {
  'inventory.node': 'nod',
  'inventory.edge': 'edg',
  'inventory.addressSpace': 'spc',
  'inventory.addressBlock': 'blk',
  'inventory.address': 'adr',
  'inventory.numberDomain': 'ndm',
  'inventory.numberRange': 'rng',
  'inventory.allocation': 'alc',
  'inventory.import': 'imp',
  'inventory.finding': 'fnd',
};

/** Numbers, address ranges, rack reservations and device types have no id of their own on the wire: the feed tells them apart by uuid. */
export function wireId(type: string, uuid: string): string {
  const prefix = prefixOf[type];
  return prefix === undefined ? uuid : encodeId(prefix, uuid);
}

function toItem(row: FeedRow): FeedItem {
  const { scope } = row;
  return {
    pos: row.pos,
    id: encodeId('evt', row.id),
    type: row.type,
    recordedAt: row.recordedAt.toISOString(),
    resource: { ...row.resource, id: wireId(row.resource.type, row.resource.id) },
    ...(scope.tenantId === undefined ? {} : { tenantId: encodeId('tnt', scope.tenantId) }),
    ...(scope.projectId === undefined ? {} : { projectId: encodeId('prj', scope.projectId) }),
    ...(scope.environmentId === undefined ? {} : { environmentId: encodeId('env', scope.environmentId) }),
    event: row.event as FeedItem['event'],
    audit: row.audit as FeedItem['audit'],
    ...(row.traceparent === undefined ? {} : { traceparent: row.traceparent }),
    ...(row.causation === undefined ? {} : { causation: row.causation }),
  };
}
