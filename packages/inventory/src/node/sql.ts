// Lock order: nodes by id, then the rack row of a claim, then external ids by insert. READ COMMITTED: a row is read again
// after its lock was waited for, so what is decided under the lock is decided on the newest state.
import type { Caller } from '@sentral/contracts/contract';
import { json, type Tx } from '@sentral/kernel/database';
import { allocationSeen, rowsOf, sightOf, walkOf, type Asks, type SeeingQuery, type Sight } from '../reading.js';
import { selectNode, type NodeRow } from './row.js';

export async function findNode(db: Asks, sight: Sight, id: string): Promise<NodeRow | undefined> {
  const q = rowsOf('node', sight, [id]);
  const [row] = await db.unsafe(`${selectNode} ${q.where()}`, q.params);
  return row as NodeRow | undefined;
}

/** NO KEY UPDATE: keys never change, so edges and children that only refer to the row need not wait. */
export const lockNodes = (tx: Tx, sight: Sight, ids: readonly string[]): Promise<readonly NodeRow[]> =>
  locked(tx, rowsOf('node', sight, ids), 'no key update');

/** SHARE: several may come to lie under one parent or on one edge at once, but it cannot retire meanwhile. */
export const lockNodesAsTheyAre = (tx: Tx, sight: Sight, ids: readonly string[]): Promise<readonly NodeRow[]> =>
  locked(tx, rowsOf('node', sight, ids), 'share');

// What is not seen is not waited for either: a wait would tell that it is there.
async function locked(tx: Tx, q: SeeingQuery, strength: 'share' | 'no key update'): Promise<readonly NodeRow[]> {
  await tx.unsafe(`select n.id from node n ${q.where()} order by n.id for ${strength} of n`, q.params);
  return (await tx.unsafe(`${selectNode} ${q.where()} order by n.id`, q.params)) as unknown as readonly NodeRow[];
}

export async function findSiblingOfName(
  tx: Tx,
  of: { parentId: string | null; kind: string; name: string; not: string },
): Promise<string | undefined> {
  const [row] = await tx.sql<{ id: string }>`
    select id from node
    where parent_id is not distinct from ${of.parentId}::uuid and kind = ${of.kind} and name = ${of.name} and state <> 'retired' and id <> ${of.not}
    limit 1`;
  return row?.id;
}

export interface NewNode {
  readonly id: string;
  readonly kind: string;
  readonly name: string | null;
  /** False: others in its place may be called the same. */
  readonly nameExclusive?: boolean;
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly attributes: unknown;
  readonly traits: readonly string[];
  readonly labels: unknown;
  readonly intent: string;
  readonly state: string;
  readonly cleaningSeconds?: number | null | undefined;
  readonly scrubs?: boolean | null | undefined;
}

/** A name given through the API is claimed among its siblings, unless told. */
export async function insertNode(tx: Tx, node: NewNode): Promise<void> {
  await tx.sql`
    insert into node (id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state, cleaning_seconds, scrubs)
    values (${node.id}, ${node.kind}, ${node.name}, ${node.nameExclusive ?? node.name !== null}, ${node.parentId}, ${node.tenantId},
      ${json(node.attributes)}, ${node.traits}::text[], ${json(node.labels)},
      ${node.intent}, ${node.state}, ${node.cleaningSeconds ?? null}, ${node.scrubs ?? null})`;
}

export type NodeState = Omit<NewNode, 'id' | 'kind' | 'nameExclusive'> & { readonly nameExclusive: boolean };

export async function amendNodeRow(tx: Tx, id: string, to: NodeState): Promise<void> {
  await tx.sql`
    update node set name = ${to.name}, name_exclusive = ${to.nameExclusive}, parent_id = ${to.parentId}, tenant_id = ${to.tenantId},
      attributes = ${json(to.attributes)}, traits = ${to.traits}::text[], labels = ${json(to.labels)}, intent = ${to.intent}, state = ${to.state},
      cleaning_seconds = ${to.cleaningSeconds ?? null}, scrubs = ${to.scrubs ?? null},
      version = version + 1, updated_at = now()
    where id = ${id}`;
}

/** All at once: the tree is judged by how it ends up. */
export async function moveNodes(
  tx: Tx,
  moves: readonly { readonly id: string; readonly parentId: string | null }[],
): Promise<void> {
  if (moves.length === 0) return;
  await tx.sql`
    update node n set parent_id = m.parent_id, version = n.version + 1, updated_at = now()
    from unnest(${moves.map(({ id }) => id)}::uuid[], ${moves.map(({ parentId }) => parentId)}::uuid[]) as m (id, parent_id) where n.id = m.id`;
}

export async function endNode(tx: Tx, id: string): Promise<void> {
  await tx.sql`update node set state = 'retired', version = version + 1, updated_at = now() where id = ${id}`;
}

export interface Dependent {
  readonly type: string | null;
  readonly id: string | null;
  readonly count: number;
}

/**
 * What is alive and refers to the node, at most twenty ids a type; what is not seen stands in the way under no type and no id. An
 * expired hold that nobody has swept yet does not count.
 */
export async function listDependents(tx: Tx, caller: Caller, id: string): Promise<readonly Dependent[]> {
  const q = walkOf(sightOf(caller));
  const it = `${q.value(id)}::uuid`;
  const rows = await tx.unsafe(
    `select case when seen then type end as type, case when seen then id::text end as id, count from (
       select type, id, seen, count(*) over (partition by type, seen) as count, row_number() over (partition by type, seen order by id) as place from (
         select 'node' as type, n.id, ${q.sees('node', 'n')} as seen from node n where n.parent_id = ${it} and n.state <> 'retired'
         union all
         select 'edge', d.id, ${q.sees('edge', 'd')} from edge_end x join edge d on d.id = x.edge_id where x.node_id = ${it} and x.live
         union all
         select 'allocation', i.allocation_id, ${allocationSeen(q, caller, 'a')} from allocation_item i join allocation a on a.id = i.allocation_id
         where (i.node_id = ${it} or i.rack_id = ${it}) and i.ended_at is null and upper(i.during) > now()
         union all
         select 'pool', p.id, ${q.sees('pool', 'p')} from pool_member m join pool p on p.id = m.pool_id where m.node_id = ${it}
         union all
         select 'rackReservation', id, true from rack_reservation where rack_id = ${it} and ended_at is null
       ) dependents
     ) numbered
     where place <= 20
     order by type, id`,
    q.params,
  );
  return rows as unknown as readonly Dependent[];
}
