// Isolation: READ COMMITTED. Lock order of every transaction of this context:
//   1. installation                       for update: changes of access and of policy pass one after another
//   2. scope rows, parent before child    for share where something is made below, for no key update where it changes
//   3. quota_use rows, tenant before project
//   4. the resource itself (hold, limit, binding, …)
import type { Database, Tx } from '@sentral/kernel/database';
import { query } from '@sentral/kernel/page';
import { onlyVisible, type Visible } from '../reading.js';
import { listPath } from './projection-sql.js';
import type { StoredProjection, StoredScope } from './row.js';

type Reader = Pick<Database | Tx, 'unsafe'>;

export const selectScope = `select s.id, s.kind, s.parent_id as "parentId", s.parent_kind as "parentKind", s.tenant_id as "tenantId",
  s.project_id as "projectId", s.name, s.display_name as "displayName", s.labels, s.annotations, s.state, s.class,
  s.expires_at as "expiresAt", s.protected, s.version, s.created_at as "createdAt", s.updated_at as "updatedAt",
  s.deleted_at as "deletedAt", s.purge_at as "purgeAt" from tenancy.scope s`;

/** One scope by its uuid, when it is visible. */
export async function findScope(on: Reader, id: string, visible: Visible | null): Promise<StoredScope | undefined> {
  const q = query();
  q.and(`s.id = ${q.value(id)}::uuid`);
  onlyVisible(q, 's', visible);
  const rows = await on.unsafe(`${selectScope} ${q.where()}`, q.params);
  return (rows as unknown as readonly StoredScope[])[0];
}

/** For no key update: it is about to change, and what refers to it by key need not wait. */
export async function lockScope(tx: Tx, id: string): Promise<StoredScope | undefined> {
  const rows = await tx.unsafe(`${selectScope} where s.id = $1::uuid for no key update`, [id]);
  return (rows as unknown as readonly StoredScope[])[0];
}

/** For share, root first: something is made below, so none of them may change its state meanwhile. */
export async function lockScopePath(tx: Tx, id: string): Promise<readonly StoredScope[]> {
  const rows = await tx.unsafe(
    `with recursive line as (
       select s.id, s.parent_id, 0 as depth from tenancy.scope s where s.id = $1::uuid
       union all
       select s.id, s.parent_id, line.depth + 1 from line join tenancy.scope s on s.id = line.parent_id)
     ${selectScope} join line on line.id = s.id order by line.depth desc for share of s`,
    [id],
  );
  return rows as unknown as readonly StoredScope[];
}

/** The version of the scope moves, and with `policyVersion` the place of its policy on the policy clock. */
export async function amendScopeVersion(tx: Tx, id: string, policyVersion: number | null): Promise<void> {
  await tx.sql`
    update tenancy.scope set version = version + 1, updated_at = now(), policy_version = coalesce(${policyVersion}::bigint, policy_version)
    where id = ${id}::uuid`;
}

/** The scope as the projections of other contexts are to hold it from this transaction on. */
export async function findProjection(tx: Tx, id: string): Promise<StoredProjection> {
  const row = (await listPath(tx, id)).at(-1);
  if (row === undefined) throw new Error('a scope that is locked is not there');
  return row;
}
