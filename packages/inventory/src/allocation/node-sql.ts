// Lock order and isolation: allocation/sql.ts. The exclusion allocation_item_node_held_once is the judge.
import type { Tx } from '@sentral/kernel/database';
import { rowsOf, type Sight } from '../reading.js';
import { microseconds } from './instant-sql.js';
import type { Span } from './levels.js';
import type { HolderRow } from './number-sql.js';
import type { Window } from './window.js';

export interface NodeToTake {
  readonly id: string;
  readonly name: string | null;
  readonly kind: string;
  readonly state: string;
  readonly intent: string;
  readonly allocMode: 'none' | 'exclusive' | 'shared';
}

/** For share: a retire or a drain waits for us or we see it; other takers of other nodes do not wait. */
export async function lockNodesToTake(tx: Tx, sight: Sight, ids: readonly string[]): Promise<readonly NodeToTake[]> {
  const q = rowsOf('node', sight, ids);
  const rows = await tx.unsafe(
    `select n.id, n.name, n.kind, n.state, n.intent, k.alloc_mode as "allocMode"
     from node n join kind k on k.key = n.kind ${q.where()} order by n.id for share of n`,
    q.params,
  );
  return rows as unknown as readonly NodeToTake[];
}

export interface NodeHolder extends HolderRow {
  readonly nodeId: string;
  readonly itemId: string;
  /** A hold, which may be confirmed: its end is not one that others can build on. */
  readonly mayStay: boolean;
}

/** When a holder has its node. */
export const windowOfHolder = ({ startsAt, expiresAt, mayStay }: NodeHolder): Window => ({
  startsAt,
  endsAt: mayStay ? null : expiresAt,
});

/** Who has them now or later, the first to come first: the winner's transaction may have begun after ours did, so "now" alone would miss it. */
export async function listNodeHolders(tx: Tx, nodeIds: readonly string[]): Promise<readonly NodeHolder[]> {
  if (nodeIds.length === 0) return [];
  return tx.sql<NodeHolder & object>`
    select i.node_id as "nodeId", i.id as "itemId", a.id as "allocationId", null::uuid as "recordedId", a.consumer_service as "consumerService", a.consumer_kind as "consumerKind",
           a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt", a.state = 'held' as "mayStay"
    from allocation_item i join allocation a on a.id = i.allocation_id
    where i.node_id = any(${[...nodeIds]}::uuid[]) and i.what = 'node' and i.ended_at is null and i.during && tstzrange(now(), null)
    order by lower(i.during)`;
}

/** The node shows the highest fence it was given under; its line is ours, so this waits for nobody. */
export async function amendNodeFence(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`
    update provider_use u set fence = greatest(u.fence, i.fence)
    from (select max(fence) as fence from allocation_item where node_id = ${nodeId}::uuid and what = 'node' and ended_at is null) i
    where u.provider_id = ${nodeId}::uuid`;
}

/** Over which spans someone has the node whole, for whoever wants a part of it. */
export async function listHeldWhole(
  tx: Tx,
  nodeIds: readonly string[],
): Promise<readonly (Span & { readonly nodeId: string })[]> {
  if (nodeIds.length === 0) return [];
  const rows = (await tx.unsafe(
    `select i.node_id as "nodeId", ${microseconds('lower(i.during)')} as "from", case when a.state <> 'held' then ${microseconds('upper(i.during)')} end as until
     from allocation_item i join allocation a on a.id = i.allocation_id
     where i.node_id = any($1::uuid[]) and i.what = 'node' and i.ended_at is null and upper(i.during) > now()`,
    [[...nodeIds]],
  )) as unknown as readonly { nodeId: string; from: number; until: number | null }[];
  return rows.map((row) => ({ ...row, until: row.until ?? Infinity }));
}

/** Nodes that allocations hold whole. */
export async function listHeldNodes(tx: Tx, allocationIds: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.sql<{ nodeId: string }>`
    select node_id as "nodeId" from allocation_item where allocation_id = any(${[...allocationIds]}::uuid[]) and what = 'node' and ended_at is null`;
  return rows.map((row) => row.nodeId);
}
