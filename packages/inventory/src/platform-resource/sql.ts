// Lock order: allocation, then nodes by id. A row is locked by its node, whose part it is.
import type { Tx } from '@sentral/kernel/database';
import { nodeColumns, nodeJoins, type NodeRow } from '../node/row.js';

export interface PlatformResourceRow extends NodeRow {
  readonly tenantId: string;
  readonly projectId: string | null;
  readonly scopeId: string;
  readonly taskId: string;
  readonly allocationId: string;
}

/** A living one with its node `n`; its own row is `r`. */
export const selectPlatformResource = `select ${nodeColumns}, r.project_id as "projectId", r.scope_id as "scopeId", r.task_id as "taskId", r.allocation_id as "allocationId"
  from platform_resource r join node n on n.id = r.node_id ${nodeJoins}`;

export async function findPlatformResource(
  db: Pick<Tx, 'unsafe'>,
  id: string,
): Promise<PlatformResourceRow | undefined> {
  const [row] = await db.unsafe(`${selectPlatformResource} where r.node_id = $1::uuid and r.ended_at is null`, [id]);
  return row as PlatformResourceRow | undefined;
}

/** Whether one was ever recorded under this id. */
export async function wasRecorded(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.sql`select from platform_resource where node_id = ${id}`;
  return rows.length > 0;
}

export async function insertPlatformResource(
  tx: Tx,
  row: {
    readonly nodeId: string;
    readonly kind: string;
    readonly name: string;
    readonly tenantId: string;
    readonly projectId: string | null;
    readonly scopeId: string;
    readonly taskId: string;
    readonly allocationId: string;
  },
): Promise<void> {
  await tx.sql`
    insert into platform_resource (node_id, kind, name, tenant_id, project_id, scope_id, task_id, allocation_id)
    values (${row.nodeId}, ${row.kind}, ${row.name}, ${row.tenantId}, ${row.projectId}, ${row.scopeId}, ${row.taskId}, ${row.allocationId})`;
}

export async function endPlatformResource(tx: Tx, nodeId: string): Promise<void> {
  await tx.sql`update platform_resource set ended_at = now() where node_id = ${nodeId} and ended_at is null`;
}

/** The living ones that depend on this one. */
export async function listStandingOn(tx: Tx, id: string): Promise<readonly { id: string; kind: string }[]> {
  return tx.sql<{ id: string; kind: string }>`
    select r.node_id as id, r.kind from edge_end onto join edge_end own on own.edge_id = onto.edge_id and own.side = 'a'
    join platform_resource r on r.node_id = own.node_id
    where onto.node_id = ${id} and onto.side = 'b' and onto.edge_type = 'depends' and onto.live and r.ended_at is null
    order by r.kind, r.node_id`;
}

/** The living ones of an environment of this tenant, what may stand on others before them. */
export async function listStanding(
  tx: Tx,
  of: { readonly environmentId: string; readonly tenantId: string },
  limit: number,
): Promise<readonly PlatformResourceRow[]> {
  const rows = await tx.unsafe(
    `${selectPlatformResource} where r.scope_id = $1::uuid and r.tenant_id = $2::uuid and r.ended_at is null
     order by array_position('{cluster,machine,bucket,network}', r.kind), r.node_id limit $3`,
    [of.environmentId, of.tenantId, limit],
  );
  return rows as unknown as readonly PlatformResourceRow[];
}

/** Those of these that live. */
export async function listLiving(tx: Tx, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select r.node_id as id from platform_resource r join node n on n.id = r.node_id and n.state <> 'retired'
    where r.node_id = any(${ids}::uuid[]) and r.ended_at is null order by r.node_id`;
  return rows.map(({ id }) => id);
}

/** The living ones that a task has begun to make, what lies in others first. */
export async function listMadeBy(tx: Tx, taskId: string): Promise<readonly string[]> {
  const rows = await tx.sql<{ id: string }>`
    select r.node_id as id from platform_resource r join node n on n.id = r.node_id
    where r.task_id = ${taskId} and r.ended_at is null order by n.parent_id nulls last, r.node_id`;
  return rows.map(({ id }) => id);
}
