// Lock order and isolation: allocation/sql.ts. The trigger capacity_never_grown_over_cap is the judge, whoever writes.
import type { Tx } from '@sentral/kernel/database';

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
    select c.node_id as "nodeId", c.class, c.min_unit as "minUnit", c.max_unit as "maxUnit", c.step, c.cap, c.used, r.dimension
    from capacity c join resource_class r on r.key = c.class
    where c.node_id = any(${[...nodes, ...of.nodeIds]}::uuid[])
      and (c.node_id = any(${[...of.nodeIds]}::uuid[]) or (c.node_id, c.class) in (select * from unnest(${nodes}::uuid[], ${of.keys.map((key) => key.class)}::text[])))
    order by c.node_id, c.class for no key update of c`;
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** What live allocations hold of counters: read before the locks, and held to them after. */
export async function listCapacityKeys(tx: Tx, allocationIds: readonly string[]): Promise<readonly CapacityKey[]> {
  if (allocationIds.length === 0) return [];
  return tx.sql<CapacityKey & object>`
    select distinct node_id as "nodeId", class from allocation_item
    where allocation_id = any(${[...allocationIds]}::uuid[]) and what = 'capacity' and ended_at is null`;
}

export interface CapacityMove extends CapacityKey {
  readonly delta: number;
}

/** One move a counter; what is taken and given back by the same transaction cancels out. */
export function netCapacity(moves: readonly CapacityMove[]): readonly CapacityMove[] {
  const sums = new Map<string, CapacityMove>();
  for (const move of moves) sums.set(keyOf(move), { ...move, delta: (sums.get(keyOf(move))?.delta ?? 0) + move.delta });
  return [...sums.values()];
}

/** Counts up or down what is locked; giving back writes down what still lies over a cap that was shrunk. */
export async function amendCapacity(tx: Tx, moves: readonly CapacityMove[]): Promise<void> {
  const net = netCapacity(moves);
  if (net.length === 0) return;
  await tx.sql`
    update capacity c set used = c.used + m.delta, use_version = c.use_version + 1,
      over_by = case when m.delta < 0 then greatest(0, c.used + m.delta - c.cap) else c.over_by end
    from unnest(${net.map((move) => move.nodeId)}::uuid[], ${net.map((move) => move.class)}::text[], ${net.map((move) => move.delta)}::bigint[])
      as m(node_id, class, delta)
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
