// The lock order is that of sql.ts: allocations by id, then what they hold, their counters last.
import type { Tx } from '@sentral/kernel/database';
import { columnOf, type Place } from '../usage/sql.js';

/** The statement of a level, for the test that reads its plan. */
export const overdueStatement = (level: Place['level']): string =>
  `select a.id from allocation a
   where a.id = any(array(select o.id from allocation o where o.${columnOf[level]} = $1::uuid and o.ended_at is null and o.expires_at <= now() order by o.id limit $2))
     and a.ended_at is null and a.expires_at <= now()
   order by a.id for update`;

/** Past its expiry in one scope, locked by id. Waits where the sweeper is at it: what it ends is given back when this goes on. */
export async function lockOverdueIn(tx: Tx, { level, id }: Place, limit: number | null): Promise<readonly string[]> {
  return ((await tx.unsafe(overdueStatement(level), [id, limit])) as unknown as readonly { id: string }[]).map(
    (row) => row.id,
  );
}
