// Lock order: nodes by id, then the rack row of a claim, then external ids by insert. READ COMMITTED: a row is read again
// after its lock was waited for, so what is decided under the lock is decided on the newest state.
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { selectNode, type NodeRow } from './row.js';

export async function findNode(
  db: Database | Tx,
  id: string,
  tenants: readonly string[] | null,
): Promise<NodeRow | undefined> {
  const [row] = await db.unsafe(
    `${selectNode} where n.id = $1 and ($2::uuid[] is null or n.tenant_id = any($2::uuid[]))`,
    [id, tenants],
  );
  return row as NodeRow | undefined;
}

/** NO KEY UPDATE: keys never change, so edges and children that only refer to the row need not wait. */
export async function lockNodes(tx: Tx, ids: readonly string[]): Promise<readonly NodeRow[]> {
  await tx.sql`select id from node where id = any(${ids}::uuid[]) order by id for no key update`;
  return (await tx.unsafe(`${selectNode} where n.id = any($1::uuid[]) order by n.id`, [
    ids,
  ])) as unknown as readonly NodeRow[];
}

/** SHARE: several may come to lie under one parent or on one edge at once, but it cannot retire meanwhile. */
export async function lockNodesAsTheyAre(tx: Tx, ids: readonly string[]): Promise<readonly NodeRow[]> {
  await tx.sql`select id from node where id = any(${ids}::uuid[]) order by id for share`;
  return (await tx.unsafe(`${selectNode} where n.id = any($1::uuid[]) order by n.id`, [
    ids,
  ])) as unknown as readonly NodeRow[];
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
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly attributes: unknown;
  readonly traits: readonly string[];
  readonly labels: unknown;
  readonly intent: string;
  readonly state: string;
}

/** A name given through the API is claimed among its siblings. */
export async function insertNode(tx: Tx, node: NewNode): Promise<void> {
  await tx.sql`
    insert into node (id, kind, name, name_exclusive, parent_id, tenant_id, attributes, traits, labels, intent, state)
    values (${node.id}, ${node.kind}, ${node.name}, ${node.name !== null}, ${node.parentId}, ${node.tenantId},
      ${json(node.attributes)}, ${node.traits}::text[], ${json(node.labels)},
      ${node.intent}, ${node.state})`;
}

export type NodeState = Omit<NewNode, 'id' | 'kind'> & { readonly nameExclusive: boolean };

export async function amendNodeRow(tx: Tx, id: string, to: NodeState): Promise<void> {
  await tx.sql`
    update node set name = ${to.name}, name_exclusive = ${to.nameExclusive}, parent_id = ${to.parentId}, tenant_id = ${to.tenantId},
      attributes = ${json(to.attributes)}, traits = ${to.traits}::text[], labels = ${json(to.labels)}, intent = ${to.intent}, state = ${to.state},
      version = version + 1, updated_at = now()
    where id = ${id}`;
}

export async function endNode(tx: Tx, id: string): Promise<void> {
  await tx.sql`update node set state = 'retired', version = version + 1, updated_at = now() where id = ${id}`;
}

export interface Dependent {
  readonly type: string;
  readonly id: string;
  readonly count: number;
}

/** What is alive and refers to the node, at most twenty ids a type. An expired hold that nobody has swept yet does not count. */
export async function listDependents(tx: Tx, id: string): Promise<readonly Dependent[]> {
  return tx.sql<Dependent & Record<string, unknown>>`
    select type, id::text as id, count from (
      select type, id, count(*) over (partition by type) as count, row_number() over (partition by type order by id) as place from (
        select 'node' as type, id from node where parent_id = ${id} and state <> 'retired'
        union all
        select 'edge', edge_id from edge_end where node_id = ${id} and live
        union all
        select 'allocation', allocation_id from allocation_item where (node_id = ${id} or rack_id = ${id}) and ended_at is null and upper(during) > now()
        union all
        select 'rackReservation', id from rack_reservation where rack_id = ${id} and ended_at is null
      ) dependents
    ) numbered
    where place <= 20
    order by type, id`;
}
