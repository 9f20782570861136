// The lock order is that of sql.ts: counters of capacity, providers, then allocations by id.
import type { Tx } from '@sentral/kernel/database';
import type { CapacityKey, LockedCapacity } from './capacity-sql.js';
import { listHeldNodes } from './node-sql.js';
import { allocationColumns, lockCountersOf, lockProviders, type AllocationRow } from './sql.js';

const due = `a.state = 'booked' and a.starts_at <= now() and coalesce(a.expires_at > now(), true)`;

/**
 * The next bookings whose window has begun and that nobody else is busy with. Counters and nodes are locked first, as a taker
 * does; one that holds others by then waits for the next turn.
 */
export async function claimDue(
  tx: Tx,
  limit: number,
): Promise<{ ids: readonly string[]; counters: ReadonlyMap<string, LockedCapacity> }> {
  const seen = await tx.unsafe(`select a.id from allocation a where ${due} order by a.starts_at limit $1`, [limit]);
  const ids = seen.map((row) => String(row['id']));
  if (ids.length === 0) return { ids, counters: new Map() };
  const counters = await lockCountersOf(tx, ids);
  const nodeIds = await listHeldNodes(tx, ids);
  if (nodeIds.length > 0) await lockProviders(tx, nodeIds);
  const keys = [...counters.values()];
  const rows = await tx.unsafe(
    `select a.id from allocation a
     where a.id = any($1::uuid[]) and ${due}
       and not exists (
         select from allocation_item i where i.allocation_id = a.id and i.ended_at is null and (
           (i.what = 'node' and i.node_id <> all($2::uuid[]))
           or (i.what = 'capacity' and (i.node_id, i.class) not in (select * from unnest($3::uuid[], $4::text[])))))
     order by a.id for update skip locked`,
    [ids, nodeIds, keys.map((key) => key.nodeId), keys.map((key) => key.class)],
  );
  return { ids: rows.map((row) => String(row['id'])), counters };
}

/** The window of a booking has begun: new fences are drawn, since others may have held its things meanwhile. */
export async function beginAllocation(tx: Tx, id: string): Promise<AllocationRow> {
  const rows = await tx.unsafe(
    `update allocation as a set state = 'active', version = a.version + 1, updated_at = now() where a.id = $1 returning ${allocationColumns}`,
    [id],
  );
  await drawFences(tx, id);
  return rows[0] as unknown as AllocationRow;
}

export async function drawFences(tx: Tx, id: string): Promise<void> {
  await tx.sql`
    update allocation_item set fence = nextval('allocation_fence') where allocation_id = ${id}::uuid and ended_at is null`;
}

/**
 * Bookings of these counters whose window has begun. One that holds other counters too, or nodes, whose fences it would draw,
 * waits for the timer.
 */
export async function listDue(
  tx: Tx,
  { keys, limit }: { keys: readonly CapacityKey[]; limit: number },
): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    with mine as (select * from unnest(${keys.map((key) => key.nodeId)}::uuid[], ${keys.map((key) => key.class)}::text[]) as k(node_id, class))
    select a.id from allocation a
    where a.state = 'booked' and a.starts_at <= now() and coalesce(a.expires_at > now(), true)
      and exists (select from allocation_item i join mine m on m.node_id = i.node_id and m.class = i.class where i.allocation_id = a.id and i.ended_at is null)
      and not exists (select from allocation_item i where i.allocation_id = a.id and i.ended_at is null
        and (i.what = 'node' or (i.what = 'capacity' and not exists (select from mine m where m.node_id = i.node_id and m.class = i.class))))
    order by a.starts_at limit ${limit}`;
  return rows.map((row) => row.id);
}
