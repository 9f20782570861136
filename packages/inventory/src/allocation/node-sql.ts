// Lock order and isolation: allocation/sql.ts. The exclusion allocation_item_node_held_once is the judge.
import type { Tx } from '@sentral/kernel/database';
import { owned } from '../owner-sql.js';
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
  /** How long it is cleaned after someone has had it whole. */
  readonly cleaningSeconds: number;
}

export const selectToTake = `select n.id, n.name, n.kind, n.state, n.intent, k.alloc_mode as "allocMode", coalesce(n.cleaning_seconds, k.cleaning_seconds) as "cleaningSeconds" from node n join kind k on k.key = n.kind`;

const andWholes = `where n.id = any($1::uuid[] || array(select w.id from unnest($1::uuid[]) i (id), wholes_of(i.id) w (id)))`;

/**
 * With what they are parts of. For share: a retire or a drain waits for us or we see it; other takers of other nodes do not wait.
 * Who takes a whole is alone with it, also before those who take its components, since they lock what these are parts of too.
 */
export async function lockNodesToTake(
  tx: Tx,
  of: { ids: readonly string[]; whole: boolean },
): Promise<readonly NodeToTake[]> {
  const rows = of.whole
    ? await tx.unsafe(`${selectToTake} ${andWholes} order by n.id for no key update of n`, [of.ids])
    : await tx.unsafe(`${selectToTake} ${andWholes} order by n.id for share of n`, [of.ids]);
  return rows as unknown as readonly NodeToTake[];
}

/** What components are parts of, up to their hosts. */
export async function listWholesOf(tx: Tx, nodeIds: readonly string[]): Promise<readonly string[]> {
  if (nodeIds.length === 0) return [];
  const rows = await tx.sql<{ id: string }>`
    select distinct w.id from unnest(${[...nodeIds]}::uuid[]) n (id), wholes_of(n.id) w (id) order by w.id`;
  return rows.map(({ id }) => id);
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
  /** A hold, which may be confirmed: its end is not one that others can build on. */
  readonly mayStay: boolean;
  /** When nobody has it any more, nor is it cleaned. */
  readonly cleanAt: Date | null;
  /** It was given back, and is being cleaned. */
  readonly cleaning: boolean;
}

/** When a holder has its node, and it is cleaned after it. */
export const windowOfHolder = ({ startsAt, cleanAt, mayStay }: NodeHolder): Window => ({
  startsAt,
  endsAt: mayStay ? null : cleanAt,
});

/**
 * A live item that somebody used, so that it is cleaned after it: what nobody used blocks nobody once it has run out. No `exists`, of
 * which PostgreSQL would make a table of all allocations that there are.
 */
export const isCleanedAfter = (item: string): string =>
  `(${item}.cleaning_seconds > 0 and (select u.state not in ('booked', 'held') or u.bound_task_id is not null from allocation u where u.id = ${item}.allocation_id))`;

// What was given back and is being cleaned is found by the exclusion itself: its index has both.
const busy = (of: string) => `
  select i.* from allocation_item i where i.node_id = ${of} and i.what = 'node' and i.ended_at is null
    and (i.during && tstzrange(now(), null) or (occupied(i.during, i.cleaning_seconds) && tstzrange(now(), null) and ${isCleanedAfter('i')}))
  union all
  select i.* from allocation_item i
  where i.node_id = ${of} and i.what = 'node' and i.ended_at is not null and i.cleaning_seconds > 0 and occupied(i.during, i.cleaning_seconds) && tstzrange(now(), null)`;

/** Who has them now or later, the first to come first: the winner's transaction may have begun after ours did, so "now" alone would miss it. */
export async function listNodeHolders(tx: Tx, nodeIds: readonly string[]): Promise<readonly NodeHolder[]> {
  if (nodeIds.length === 0) return [];
  const rows = await tx.unsafe(
    `select i.node_id as "nodeId", i.id as "itemId", a.id as "allocationId", null::uuid as "recordedId", a.consumer_service as "consumerService", a.consumer_kind as "consumerKind",
           a.consumer_id as "consumerId", a.tenant_id as "tenantId", a.project_id as "projectId", a.scope_id as "scopeId", a.starts_at as "startsAt", a.expires_at as "expiresAt", a.state = 'held' as "mayStay",
           nullif(upper(occupied(i.during, i.cleaning_seconds)), 'infinity') as "cleanAt", i.ended_at is not null as cleaning
     from unnest($1::uuid[]) n (id) cross join lateral (${busy('n.id')}) i join allocation a on a.id = i.allocation_id
     order by lower(i.during)`,
    [[...nodeIds]],
  );
  return rows as unknown as readonly NodeHolder[];
}

/** The node shows the highest fence it was given under; its line is ours, so this waits for nobody. */
export async function amendNodeFence(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`
    update provider_use u set fence = greatest(u.fence, i.fence)
    from (select max(fence) as fence from allocation_item where node_id = ${nodeId}::uuid and what = 'node' and ended_at is null) i
    where u.provider_id = ${nodeId}::uuid`;
}

/** Over which spans somebody has what is in the way of a node. */
export type Entangled = Span & { readonly nodeId: string };

// A hold may be confirmed, so it has no end that others can build on.
const spanColumns = `${microseconds('lower(i.during)')} as "from", case when a.state <> 'held' then ${microseconds('upper(occupied(i.during, i.cleaning_seconds))')} end as until`;

async function listSpans(tx: Tx, text: string, params: readonly unknown[]): Promise<readonly Entangled[]> {
  const rows = (await tx.unsafe(text, params)) as unknown as readonly (Omit<Entangled, 'until'> & {
    until: number | null;
  })[];
  return rows.map((row) => ({ ...row, until: row.until ?? Infinity }));
}

/** Of nodes that are wanted in parts and can be given whole, when someone has them so; of all, when someone has the whole of what they are parts of. */
export async function listHeldWhole(
  tx: Tx,
  of: { inParts: readonly string[]; ids: readonly string[] },
): Promise<readonly Entangled[]> {
  if (of.ids.length === 0) return [];
  return listSpans(
    tx,
    `select n.id as "nodeId", ${spanColumns} from unnest($1::uuid[]) n (id)
     cross join lateral (
       select o.id from node o join kind k on k.key = o.kind where o.id = n.id and o.id = any($2::uuid[]) and k.alloc_mode = 'exclusive'
       union all select wholes_of(n.id)) w (id)
     cross join lateral (${busy('w.id')}) i
     join allocation a on a.id = i.allocation_id`,
    [[...of.ids], [...of.inParts]],
  );
}

/** Of nodes that are wanted whole, when a component of them is in use, whole or in part. */
export async function listUsedInside(tx: Tx, nodeIds: readonly string[]): Promise<readonly Entangled[]> {
  if (nodeIds.length === 0) return [];
  return listSpans(
    tx,
    `select n.id as "nodeId", ${spanColumns} from unnest($1::uuid[]) n (id)
     cross join lateral parts_of(n.id) p (id)
     cross join lateral (${busy('p.id')}
       union all
       select i.* from allocation_item i where i.node_id = p.id and i.what = 'capacity' and i.ended_at is null and i.during && tstzrange(now(), null)) i
     join allocation a on a.id = i.allocation_id`,
    [[...nodeIds]],
  );
}

/** Nodes that allocations hold whole. */
export async function listHeldNodes(tx: Tx, allocationIds: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.sql<{ nodeId: string }>`
    select node_id as "nodeId" from allocation_item where allocation_id = any(${[...allocationIds]}::uuid[]) and what = 'node' and ended_at is null`;
  return rows.map((row) => row.nodeId);
}
