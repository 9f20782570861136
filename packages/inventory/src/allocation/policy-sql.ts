// Reads only, in the transaction that takes: containment may move, but not while the nodes are locked for share.
import type { Database, Tx } from '@sentral/kernel/database';

/** A node, and itself with all that it lies in. */
export interface Place {
  readonly nodeId: string;
  readonly ancestors: readonly string[];
}

/** Where nodes lie. */
export async function listPlaces(on: Tx | Database, nodeIds: readonly string[]): Promise<readonly Place[]> {
  const rows = await on.unsafe(
    `with recursive up as (
       select n.id as start, n.id, n.parent_id from node n where n.id = any($1::uuid[])
       union all
       select up.start, n.id, n.parent_id from up join node n on n.id = up.parent_id)
     select start as "nodeId", array_agg(id::text) as ancestors from up group by start`,
    [[...nodeIds]],
  );
  return rows as unknown as readonly Place[];
}

/** The transaction's time: what a pure rule is given. */
export async function findNow(on: Pick<Tx | Database, 'sql'>): Promise<Date> {
  const [row] = await on.sql<{ now: Date }>`select now() as now`;
  if (row === undefined) throw new Error('there is no time');
  return row.now;
}
