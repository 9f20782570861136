// Reads only. Where a search says where to look, what lies there is read from above: a walk along all would come by one host of thousands.
import { walkOf, type SeeingQuery } from '../reading.js';
import { occupations, type Search } from './host-sql.js';
import type { Asks } from './sql.js';

/** More than so many nodes are walked by as well. */
const nodesMax = 2_000;

/** Whether a search says where to look; what it is to be near to is never all there is. */
export const saysWhere = ({ ask, allowed }: Search): boolean =>
  ask.location !== undefined || allowed !== null || ask.pools.some(({ is }) => is === 'in');

/** The nodes that can be found where a search says, in no order; undefined where they are too many. */
export async function nodesWhere(db: Asks, search: Search): Promise<readonly string[] | undefined> {
  const q = walkOf(search.sight);
  const named =
    search.ask.near === undefined
      ? []
      : occupations(q, { ...search, ask: { ...search.ask, avoid: undefined, spread: undefined } });
  const rows = await db.unsafe(
    `with recursive ${[...named, ''].join(', ')}below (id) as (
       ${rootsOf(q, search)}
       union
       select n.id from below, lateral (select n.id from node n where n.parent_id = below.id and n.state <> 'retired' offset 0) n
     ) select id::text as id from below where id is not null limit ${nodesMax + 1}`,
    q.params,
  );
  if (rows.length > nodesMax) return undefined;
  return shuffled(rows).map((row) => row['id'] as string);
}

export const shuffled = <T>(rows: readonly T[]): readonly T[] =>
  rows
    .map((row) => ({ row, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ row }) => row);

/** Of all that it says, what is likely to be the least. */
function rootsOf(q: SeeingQuery, { ask, allowed }: Search): string {
  if (ask.near !== undefined) return 'select o.id from beside_near o';
  const pool = ask.pools.find(({ is }) => is === 'in');
  if (pool !== undefined)
    return `select m.node_id from pool_member m where m.pool_id = any(${q.value(pool.poolIds)}::uuid[])`;
  return `select unnest(${q.value(ask.location === undefined ? allowed : [ask.location])}::uuid[])`;
}
