// Reads only, each of one instant: the tables of these statements are what `asOf` and `heldThen` make of them.
import type { Caller } from '@sentral/contracts/contract';
import { selectBlock, type BlockRow } from '../address-block/sql.js';
import { selectEdge, type EdgeRow } from '../edge/sql.js';
import { allocationSeen, walkOf, type Asks, type Sight } from '../reading.js';
import { selectNode, type NodeRow } from './row.js';

export interface Thing {
  readonly type: 'node' | 'edge' | 'addressBlock' | 'allocation';
  readonly id: string;
  readonly version: number;
}

// `offset 0` keeps a step a probe by key: nobody knows beforehand how little lies in a node, and joined freely all edges would be read.
/** What lay in the node, itself included, with the edges that ended there and the prefixes that lay there; at most so many of each. */
export async function listThingsIn(
  db: Asks,
  sight: Sight,
  asked: { readonly id: string; readonly limit: number },
): Promise<readonly Thing[]> {
  const q = walkOf(sight);
  const [id, limit] = [q.value(asked.id), q.value(asked.limit)];
  const rows = await db.unsafe(
    `with recursive down (id, version) as (
       select n.id, n.version from node n where n.id = ${id}::uuid and ${q.sees('node', 'n')}
       union all
       select n.id, n.version from node n join down on n.parent_id = down.id where n.state <> 'retired' and ${q.seesBelow('n')}
     ), inside as materialized (select id, version from down limit ${limit})
     select 'node' as type, id::text as id, version from inside
     union all
     (select 'edge', d.id::text, d.version from (select distinct x.edge_id from inside, lateral (select x.edge_id from edge_end x where x.node_id = inside.id and x.live offset 0) x) ends
      join edge d on d.id = ends.edge_id where ${q.sees('edge', 'd')} limit ${limit})
     union all
     (select 'addressBlock', b.id::text, b.version from inside join address_block b on b.node_id = inside.id
      where b.ended_at is null and ${q.sees('addressBlock', 'b')} limit ${limit})`,
    q.params,
  );
  return rows as unknown as readonly Thing[];
}

/** Allocations that held of these nodes at the instant: by their items that counted then, found by when those ended. */
export async function listHoldersOf(
  on: Asks,
  caller: Caller,
  asked: { readonly nodeIds: readonly string[]; readonly at: string; readonly limit: number },
): Promise<readonly Thing[]> {
  const q = walkOf('everything');
  const [nodeIds, at] = [`any(${q.value(asked.nodeIds)}::uuid[])`, `${q.value(asked.at)}::timestamptz`];
  const rows = await on.unsafe(
    `select 'allocation' as type, a.id::text as id, a.version from allocation a
     where a.id in (
         select i.allocation_id from inventory.allocation_item i where i.node_id = ${nodeIds} and i.ended_at is null
         union all
         select i.allocation_id from inventory.allocation_item i where i.node_id = ${nodeIds} and i.ended_at is not null and i.ended_at >= ${at})
       and a.ended_at is null and coalesce(a.expires_at > now(), true) and ${allocationSeen(q, caller, 'a')}
       and exists (select from allocation_item i where i.allocation_id = a.id and i.ended_at is null and i.node_id = ${nodeIds})
     limit ${q.value(asked.limit)}`,
    q.params,
  );
  return rows as unknown as readonly Thing[];
}

const among = async (db: Asks, select: string, row: string, ids: readonly string[]) =>
  ids.length === 0 ? [] : db.unsafe(`${select} where ${row}.id = any($1::uuid[])`, [ids]);

/** As they were, wherever they lay. */
export const listNodesById = async (db: Asks, ids: readonly string[]) =>
  (await among(db, selectNode, 'n', ids)) as unknown as readonly NodeRow[];
export const listEdgesById = async (db: Asks, ids: readonly string[]) =>
  (await among(db, selectEdge, 'd', ids)) as unknown as readonly EdgeRow[];
export const listBlocksById = async (db: Asks, ids: readonly string[]) =>
  (await among(db, selectBlock, 'b', ids)) as unknown as readonly BlockRow[];
