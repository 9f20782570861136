// Lock order and isolation: allocation/sql.ts. The exclusion allocation_item_node_held_once is the judge.
import type { Tx } from '@sentral/kernel/database';
import { owned } from '../owner-sql.js';
import { rowsOf, type Sight } from '../reading.js';
import type { HolderRow } from './number-sql.js';

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

/** Whose they are; what is dedicated to nobody is left out. */
export async function listNodeOwners(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.unsafe(
    `select n.id, ${owned.node.seen('n', (owner) => owner)} as "tenantId" from node n where n.id = any($1::uuid[])`,
    [ids],
  );
  return new Map(
    rows.flatMap((row) => (row['tenantId'] === null ? [] : [[row['id'] as string, row['tenantId'] as string]])),
  );
}

export interface NodeHolder extends HolderRow {
  readonly nodeId: string;
  readonly itemId: string;
}

/** Who has them now or later: the winner's transaction may have begun after ours did, so "now" alone would miss it. */
export async function listNodeHolders(tx: Tx, nodeIds: readonly string[]): Promise<readonly NodeHolder[]> {
  if (nodeIds.length === 0) return [];
  return tx.sql<NodeHolder & object>`
    select i.node_id as "nodeId", i.id as "itemId", a.id as "allocationId", null::uuid as "recordedId", a.consumer_service as "consumerService", a.consumer_kind as "consumerKind",
           a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt"
    from allocation_item i join allocation a on a.id = i.allocation_id
    where i.node_id = any(${[...nodeIds]}::uuid[]) and i.what = 'node' and i.ended_at is null and i.during && tstzrange(now(), null)`;
}

/** The node shows the highest fence it was given under; its line is ours, so this waits for nobody. */
export async function amendNodeFence(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`
    update provider_use u set fence = greatest(u.fence, i.fence)
    from (select max(fence) as fence from allocation_item where node_id = ${nodeId}::uuid and what = 'node' and ended_at is null) i
    where u.provider_id = ${nodeId}::uuid`;
}

/** Whether anyone has the node whole, for whoever wants a part of it. */
export async function listHeldWhole(tx: Tx, nodeIds: readonly string[]): Promise<readonly string[]> {
  if (nodeIds.length === 0) return [];
  const rows = await tx.sql<{ nodeId: string }>`
    select distinct node_id as "nodeId" from allocation_item
    where node_id = any(${[...nodeIds]}::uuid[]) and what = 'node' and ended_at is null and upper(during) > now()`;
  return rows.map((row) => row.nodeId);
}
