// Lock order and isolation: allocation/sql.ts. The trigger capacity_never_grown_over_cap is the judge, whoever writes.
import type { Tx } from '@sentral/kernel/database';
import { microseconds } from './instant-sql.js';
import type { Span, Step } from './levels.js';

export interface CapacityKey {
  readonly nodeId: string;
  readonly class: string;
}

/** A counter under our lock, with what decides a taking from it. */
export interface LockedCapacity extends CapacityKey {
  readonly minUnit: number;
  readonly maxUnit: number;
  readonly step: number;
  readonly cap: number;
  readonly used: number;
  /** What is taken of windows that have not begun. */
  readonly booked: number;
  readonly dimension: string;
}

export const keyOf = (key: CapacityKey): string => `${key.nodeId} ${key.class}`;

/** Counters by key, and all of a node that is to be given whole: no key update, since nobody refers to a counter. */
export async function lockCapacity(
  tx: Tx,
  of: { keys: readonly CapacityKey[]; nodeIds: readonly string[] },
): Promise<ReadonlyMap<string, LockedCapacity>> {
  if (of.keys.length + of.nodeIds.length === 0) return new Map();
  const nodes = of.keys.map((key) => key.nodeId);
  // The first condition is what the index is asked for; an OR alone would read the whole table.
  const rows = await tx.sql<LockedCapacity & object>`
    select c.node_id as "nodeId", c.class, c.min_unit as "minUnit", c.max_unit as "maxUnit", c.step, c.cap, c.used, c.booked, r.dimension
    from capacity c join resource_class r on r.key = c.class
    where c.node_id = any(${[...nodes, ...of.nodeIds]}::uuid[])
      and (c.node_id = any(${[...of.nodeIds]}::uuid[]) or (c.node_id, c.class) in (select * from unnest(${nodes}::uuid[], ${of.keys.map((key) => key.class)}::text[])))
    order by c.node_id, c.class for no key update of c`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/**
 * What live allocations hold of counters: read before the locks, and held to them after. Who moves the window of a node that is
 * held whole wants all counters of it.
 */
export async function listCapacityKeys(
  tx: Tx,
  allocationIds: readonly string[],
  wholeIds: readonly string[] = [],
): Promise<readonly CapacityKey[]> {
  if (allocationIds.length === 0) return [];
  return tx.sql<CapacityKey & object>`
    select node_id as "nodeId", class from allocation_item
    where allocation_id = any(${[...allocationIds]}::uuid[]) and what = 'capacity' and ended_at is null
    union
    select c.node_id, c.class from allocation_item i join capacity c on c.node_id = i.node_id
    where i.allocation_id = any(${[...wholeIds]}::uuid[]) and i.what = 'node' and i.ended_at is null`;
}

/** Counters over time, as they were before the transaction; and its moment. */
export interface Timeline {
  readonly nowUs: number;
  readonly steps: ReadonlyMap<string, readonly Step[]>;
}

/** From now on; a hold counts without an end, since it may be confirmed. Of what is live alone, by the index of its ends: what has ended is not read. Behind the locks of the counters. */
export async function listLevels(tx: Tx, keys: readonly CapacityKey[]): Promise<Timeline> {
  const rows = await tx.unsafe(levelsStatement, [keys.map((key) => key.nodeId), keys.map((key) => key.class)]);
  const steps = new Map<string, Step[]>();
  let nowUs = 0;
  for (const row of rows as unknown as readonly (CapacityKey & Step & { nowUs: number })[]) {
    nowUs = row.nowUs;
    if (row.at === null) continue;
    const key = keyOf(row);
    steps.set(key, [...(steps.get(key) ?? []), { at: row.at, delta: row.delta }]);
  }
  return { nowUs, steps };
}

/** For the test that reads its plan. */
export const levelsStatement = `
  select ${microseconds('now()')} as "nowUs", l.node_id as "nodeId", l.class, ${microseconds('l.at')} as at, l.delta from (select) one left join (
    select k.node_id, k.class, s.at, sum(s.delta)::bigint as delta
    from unnest($1::uuid[], $2::text[]) as k(node_id, class)
    join allocation_item i on i.node_id = k.node_id and i.class = k.class and i.what = 'capacity' and i.ended_at is null and upper(i.during) > now()
    join allocation a on a.id = i.allocation_id
    cross join lateral (values (greatest(lower(i.during), now()), i.amount), (case when a.state = 'held' then 'infinity' else upper(i.during) end, -i.amount)) as s(at, delta)
    where s.at < 'infinity' group by k.node_id, k.class, s.at) l on true
  order by l.at`;

export interface CapacityMove extends CapacityKey {
  readonly delta: number;
  /** Counted as booked, not as used. */
  readonly booked: boolean;
  readonly span: Span;
}

/** One move a counter; what is taken and given back by the same transaction cancels out. */
function netCapacity(moves: readonly CapacityMove[]) {
  const sums = new Map<string, CapacityKey & { used: number; booked: number }>();
  for (const move of moves) {
    const { nodeId, class: of, booked, delta } = move;
    const sum = sums.get(keyOf(move)) ?? { nodeId, class: of, used: 0, booked: 0 };
    sum[booked ? 'booked' : 'used'] += delta;
    sums.set(keyOf(move), sum);
  }
  return [...sums.values()];
}

/** Counts up or down what is locked; giving back writes down what still lies over a cap that was shrunk. */
export async function amendCapacity(tx: Tx, moves: readonly CapacityMove[]): Promise<void> {
  const net = netCapacity(moves);
  if (net.length === 0) return;
  await tx.sql`
    update capacity c set used = c.used + m.used, booked = c.booked + m.booked, use_version = c.use_version + 1,
      over_by = case when m.used < 0 then greatest(0, c.used + m.used - c.cap) else c.over_by end
    from unnest(${net.map((move) => move.nodeId)}::uuid[], ${net.map((move) => move.class)}::text[], ${net.map((move) => move.used)}::bigint[],
                ${net.map((move) => move.booked)}::bigint[]) as m(node_id, class, used, booked)
    where c.node_id = m.node_id and c.class = m.class`;
}

export interface NewCapacityItem extends CapacityKey {
  readonly id: string;
  readonly allocationId: string;
  readonly ordinal: number;
  readonly amount: number;
  readonly dimension: string;
}

/** All amounts of a transaction at once. */
export async function insertCapacityItems(tx: Tx, items: readonly NewCapacityItem[]): Promise<void> {
  if (items.length === 0) return;
  await tx.sql`
    insert into allocation_item (id, allocation_id, tenant_id, ordinal, what, dimension, node_id, class, amount, during, fence)
    select n.id, a.id, a.tenant_id, n.ordinal, 'capacity', n.dimension, n.node_id, n.class, n.amount,
           tstzrange(greatest(a.starts_at, now()), coalesce(a.expires_at, 'infinity')), nextval('allocation_fence')
    from unnest(${items.map((item) => item.id)}::uuid[], ${items.map((item) => item.allocationId)}::uuid[], ${items.map((item) => item.ordinal)}::int[],
                ${items.map((item) => item.dimension)}::text[], ${items.map((item) => item.nodeId)}::uuid[], ${items.map((item) => item.class)}::text[],
                ${items.map((item) => item.amount)}::bigint[]) as n(id, allocation_id, ordinal, dimension, node_id, class, amount)
    join allocation a on a.id = n.allocation_id`;
}
