// Lock order: end nodes by id (SHARE: none may retire meanwhile), then the advisory lock of directed acyclic edges, then the edge.
import { encodeId } from '@sentral/contracts/ids';
import type { Edge } from '@sentral/contracts/inventory/edge';
import { json, type Tx } from '@sentral/kernel/database';
import { externalIdsOf } from '../external-id/sql.js';
import { rowsOf, type Asks, type Sight } from '../reading.js';

export interface EdgeRow {
  readonly id: string;
  readonly edgeType: Edge['edgeType'];
  readonly a: string[];
  readonly b: string[];
  readonly attributes: Record<string, unknown>;
  readonly externalIds: { source: string; externalId: string }[];
  readonly live: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

const sideOf = (side: string): string =>
  `coalesce((select jsonb_agg(x.node_id order by x.ordinal) from edge_end x where x.edge_id = d.id and x.side = '${side}'), '[]'::jsonb)`;

export const selectEdge = `select d.id, d.edge_type as "edgeType", ${sideOf('a')} as a, ${sideOf('b')} as b, d.attributes, ${externalIdsOf('d.id')},
  d.live, d.version, d.created_at as "createdAt", d.updated_at as "updatedAt", d.ended_at as "endedAt" from edge d`;

export async function findEdge(db: Asks, sight: Sight, id: string): Promise<EdgeRow | undefined> {
  const q = rowsOf('edge', sight, [id]);
  const [row] = await db.unsafe(`${selectEdge} ${q.where()}`, q.params);
  return row as EdgeRow | undefined;
}

export async function lockEdge(tx: Tx, sight: Sight, id: string): Promise<EdgeRow | undefined> {
  const q = rowsOf('edge', sight, [id]);
  await tx.unsafe(`select d.id from edge d ${q.where()} for no key update of d`, q.params);
  return findEdge(tx, sight, id);
}

export async function insertEdge(
  tx: Tx,
  edge: { id: string; edgeType: string; attributes: unknown; a: readonly string[]; b: readonly string[] },
): Promise<void> {
  await tx.sql`insert into edge (id, edge_type, attributes) values (${edge.id}, ${edge.edgeType}, ${json(edge.attributes)})`;
  const ends = [...edge.a.map((id, at) => ({ id, side: 'a', at })), ...edge.b.map((id, at) => ({ id, side: 'b', at }))];
  // By node id, so that two cables that share several ports wait in one order.
  ends.sort((x, y) => (x.id < y.id ? -1 : 1));
  await tx.sql`
    insert into edge_end (edge_id, edge_type, side, ordinal, node_id)
    select ${edge.id}::uuid, ${edge.edgeType}::text, side, ordinal, node_id
    from unnest(${ends.map(({ side }) => side)}::text[], ${ends.map(({ at }) => at)}::int[], ${ends.map(({ id }) => id)}::uuid[]) as e (side, ordinal, node_id)`;
}

/** The ends follow by foreign key: their ports are free in the same statement. */
export async function endEdge(tx: Tx, id: string): Promise<void> {
  await tx.sql`update edge set live = false, ended_at = now(), version = version + 1, updated_at = now() where id = ${id}`;
}

/** Which of the ports carry a live cable, for the refusal. */
export async function listCablesOf(
  tx: Tx,
  nodeIds: readonly string[],
): Promise<readonly { nodeId: string; edgeId: string }[]> {
  return tx.sql<{ nodeId: string; edgeId: string }>`
    select node_id as "nodeId", edge_id as "edgeId" from edge_end
    where node_id = any(${nodeIds}::uuid[]) and edge_type = 'connects' and live`;
}

/** One after the other: two edges that each look right can close a loop together. */
export async function lockDependencies(tx: Tx): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtext('inventory'), hashtext('edge.depends'))`;
}

/** Whether any target already depends, directly or not, on any source. */
export async function findDependencyLoop(
  tx: Tx,
  sources: readonly string[],
  targets: readonly string[],
): Promise<boolean> {
  const [row] = await tx.sql<{ loops: boolean }>`
    with recursive onward (id) as (
      select unnest(${targets}::uuid[])
      union
      select dst.node_id from onward
      join edge_end src on src.node_id = onward.id and src.side = 'a' and src.edge_type = 'depends' and src.live
      join edge_end dst on dst.edge_id = src.edge_id and dst.side = 'b'
    )
    select exists (select from onward where id = any(${sources}::uuid[])) as loops`;
  return row?.loops === true;
}

export function toEdge(row: EdgeRow): Edge {
  return {
    id: encodeId('edg', row.id),
    type: 'edge',
    version: row.version,
    edgeType: row.edgeType,
    a: row.a.map((id) => encodeId('nod', id)),
    b: row.b.map((id) => encodeId('nod', id)),
    attributes: row.attributes,
    externalIds: row.externalIds,
    state: row.live ? 'live' : 'ended',
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.endedAt === null ? {} : { endedAt: row.endedAt.toISOString() }),
  };
}
