// Lock order: nodes by id (allocation/sql.ts, 5), then the items that they were given by, which nobody changes any more. READ COMMITTED.
import type { Tx } from '@sentral/kernel/database';

/** Of nodes that are locked; tells when that is. */
export async function amendStates(tx: Tx, ids: readonly string[], state: string): Promise<Date> {
  const rows = await tx.sql<{ updatedAt: Date }>`
    update node set state = ${state}, version = version + 1, updated_at = now() where id = any(${[...ids]}::uuid[]) returning updated_at as "updatedAt"`;
  const [row] = rows;
  if (row === undefined) throw new Error('nodes that were locked are not there');
  return row.updatedAt;
}

/** The cleaning after the last use is over, though more time was planned for it. */
export async function endCleaning(tx: Tx, id: string): Promise<void> {
  await tx.sql`
    update allocation_item i set cleaning_seconds = greatest(0, least(i.cleaning_seconds, floor(extract(epoch from now() - upper(i.during)))::int))
    where i.node_id = ${id}::uuid and i.what = 'node' and i.ended_at is not null and i.cleaning_seconds > 0 and occupied(i.during, i.cleaning_seconds) @> now()`;
}

/** The highest fence that it was given under, and ended. */
export async function findLastFence(tx: Tx, id: string): Promise<number> {
  const [row] = await tx.sql<{ fence: number }>`
    select coalesce(max(fence), 0) as fence from allocation_item where node_id = ${id}::uuid and what = 'node'`;
  return row?.fence ?? 0;
}

/** The next few that were not declared clean in time and that nobody else is busy with; what has no time is waited for. */
export async function claimOverlong(tx: Tx, limit: number): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select n.id from node n join kind k on k.key = n.kind
    where n.state = 'scrubbing' and coalesce(n.cleaning_seconds, k.cleaning_seconds) > 0
      and not exists (
        select from allocation_item i where i.node_id = n.id and i.what = 'node' and (i.ended_at is null or i.cleaning_seconds > 0)
          and occupied(i.during, i.cleaning_seconds) @> now())
    order by n.id limit ${limit} for no key update of n skip locked`;
  return rows.map((row) => row.id);
}
