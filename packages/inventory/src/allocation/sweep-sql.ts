// The lock order is that of sql.ts: counters of capacity, allocations by id, then what they hold, their counters last.
import type { Tx } from '@sentral/kernel/database';
import { columnOf, type Place } from '../usage/sql.js';
import { lockCountersOf } from './sql.js';

/** The statement of a level, for the test that reads its plan. */
export const overdueStatement = (level: Place['level']): string =>
  `select a.id from allocation a
   where a.id = any(array(select o.id from allocation o where o.${columnOf[level]} = $1::uuid and o.ended_at is null and o.expires_at <= now() order by o.id limit $2))
     and a.ended_at is null and a.expires_at <= now()
   order by a.id for update`;

/** Past its expiry in one scope, locked by id. Waits where the sweeper is at it: what it ends is given back when this goes on. */
export async function lockOverdueIn(tx: Tx, { level, id }: Place, limit: number | null): Promise<readonly string[]> {
  const seen = await tx.unsafe(
    `select id from allocation where ${columnOf[level]} = $1::uuid and ended_at is null and expires_at <= now() order by id limit $2`,
    [id, limit],
  );
  await lockCountersOf(
    tx,
    seen.map((row) => String(row['id'])),
  );
  return ((await tx.unsafe(overdueStatement(level), [id, limit])) as unknown as readonly { id: string }[]).map(
    (row) => row.id,
  );
}

/**
 * The next few that have run out and that nobody else is busy with: the sweeper may skip, a taker may not. Their counters are
 * locked first, as a taker does; one that holds others by then waits for the next sweep.
 */
export async function claimOverdue(tx: Tx, limit: number): Promise<readonly string[]> {
  const seen = await tx.sql<{ id: string }>`
    select a.id from allocation a where a.ended_at is null and a.expires_at <= now() order by a.expires_at limit ${limit}`;
  const ids = seen.map((row) => row.id);
  const keys = [...(await lockCountersOf(tx, ids)).values()];
  const rows = await tx.sql<{ id: string }>`
    select a.id from allocation a
    where a.id = any(${ids}::uuid[]) and a.ended_at is null and a.expires_at <= now()
      and not exists (
        select from allocation_item i where i.allocation_id = a.id and i.what = 'capacity' and i.ended_at is null
          and (i.node_id, i.class) not in (select * from unnest(${keys.map((key) => key.nodeId)}::uuid[], ${keys.map((key) => key.class)}::text[])))
    order by a.id for update skip locked`;
  return rows.map((row) => row.id);
}
