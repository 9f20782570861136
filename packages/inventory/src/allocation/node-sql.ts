// Lock order and isolation: allocation/sql.ts. The exclusion allocation_item_node_held_once is the judge.
import type { Tx } from '@sentral/kernel/database';
import { walkOf, type Sight } from '../reading.js';
import type { HolderRow } from './number-sql.js';

export interface NodeToTake {
  readonly id: string;
  readonly name: string | null;
  readonly kind: string;
  readonly state: string;
  readonly intent: string;
  readonly allocMode: 'none' | 'exclusive' | 'shared';
}

const selectToTake = `select n.id, n.name, n.kind, n.state, n.intent, k.alloc_mode as "allocMode" from node n join kind k on k.key = n.kind`;

/**
 * For share: a retire or a drain waits for us or we see it; other takers of other nodes do not wait. Who takes a whole is alone with
 * it, also before those who take its components, since they lock what these are parts of (`above`) too.
 */
export async function lockNodesToTake(
  tx: Tx,
  sight: Sight,
  of: { ids: readonly string[]; above: readonly string[]; whole: boolean },
): Promise<readonly NodeToTake[]> {
  const q = walkOf(sight);
  q.and(`n.id = any(${q.value([...of.ids, ...of.above])}::uuid[])`);
  q.and(`(n.id = any(${q.value(of.above)}::uuid[]) or ${q.sees('node', 'n')})`);
  const rows = of.whole
    ? await tx.unsafe(`${selectToTake} ${q.where()} order by n.id for no key update of n`, q.params)
    : await tx.unsafe(`${selectToTake} ${q.where()} order by n.id for share of n`, q.params);
  const asked = new Set(of.ids);
  return (rows as unknown as readonly NodeToTake[]).filter(({ id }) => asked.has(id));
}

/** What components are parts of, up to their hosts. */
export async function listWholesOf(tx: Tx, nodeIds: readonly string[]): Promise<readonly string[]> {
  if (nodeIds.length === 0) return [];
  const rows = await tx.sql<{ id: string }>`
    select distinct w.id from unnest(${[...nodeIds]}::uuid[]) n (id), wholes_of(n.id) w (id) order by w.id`;
  return rows.map(({ id }) => id);
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

/** Of nodes that are wanted in parts, those that someone has whole; of all, those that are parts of what someone has whole. */
export async function listHeldWhole(
  tx: Tx,
  of: { inParts: readonly string[]; ids: readonly string[] },
): Promise<readonly string[]> {
  if (of.ids.length === 0) return [];
  const rows = await tx.sql<{ id: string }>`
    select n.id from unnest(${[...of.ids]}::uuid[]) n (id)
    where exists (
      select from (select n.id where n.id = any(${[...of.inParts]}::uuid[]) union all select wholes_of(n.id)) w (id)
      join allocation_item i on i.node_id = w.id and i.what = 'node' and i.ended_at is null and i.during && tstzrange(now(), null))`;
  return rows.map(({ id }) => id);
}

/** Of nodes that are wanted whole, those of which a component is in use, whole or in part. */
export async function listUsedInside(tx: Tx, nodeIds: readonly string[]): Promise<readonly string[]> {
  if (nodeIds.length === 0) return [];
  const rows = await tx.sql<{ id: string }>`
    select n.id from unnest(${[...nodeIds]}::uuid[]) n (id)
    where exists (
      select from parts_of(n.id) p (id)
      join allocation_item i on i.node_id = p.id and i.what in ('node', 'capacity') and i.ended_at is null and i.during && tstzrange(now(), null))`;
  return rows.map(({ id }) => id);
}
