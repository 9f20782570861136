// Lock order: installation first, then the scope's path, then bindings by id (scope/sql.ts).
import { encodeId } from '@sentral/contracts/ids';
import type { RoleBinding } from '@sentral/contracts/tenancy/role-binding';
import type { Subject } from '@sentral/contracts/tenancy/fields';
import type { Tx } from '@sentral/kernel/database';
import type { StoredScope } from '../scope/row.js';
import { shared, tenantOf, type Noun, type Stored } from '../scoped.js';

export interface BindingRow extends Stored {
  readonly role: string;
  readonly principalId: string | null;
  readonly principalKind: 'user' | 'service' | null;
  readonly groupIssuer: string | null;
  readonly groupName: string | null;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly expired: boolean;
  readonly reason: string | null;
}

export const bindings: Noun<'rbd', BindingRow, RoleBinding> = {
  name: 'roleBinding',
  prefix: 'rbd',
  table: 'tenancy.role_binding',
  columns: `x.role, x.principal_id as "principalId", case when x.principal_id is null then null
      else (select p.kind from tenancy.principal p where p.id = x.principal_id) end as "principalKind",
    x.group_issuer as "groupIssuer", x.group_name as "groupName", x.created_by as "createdBy", x.expires_at as "expiresAt",
    coalesce(x.expires_at <= now(), false) as expired, x.reason`,
  to: (row) => ({
    ...shared(row, 'rbd', 'roleBinding'),
    ...tenantOf(row),
    subject: subjectOf(row),
    role: row.role,
    createdBy: row.createdBy,
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  }),
};

function subjectOf(row: BindingRow): Subject {
  if (row.principalId === null) return { type: 'group', issuer: row.groupIssuer ?? '', name: row.groupName ?? '' };
  // Users belong to no tenant, so a tenant's own eyes do not see their rows: what is no service account is one.
  return row.principalKind === 'service'
    ? { type: 'serviceAccount', id: encodeId('sac', row.principalId) }
    : { type: 'user', id: encodeId('usr', row.principalId) };
}

export interface NewBinding {
  readonly id: string;
  readonly scope: Pick<StoredScope, 'id' | 'kind' | 'tenantId'>;
  readonly role: string;
  readonly principalId: string | null;
  readonly group: { readonly issuer: string; readonly name: string } | null;
  readonly createdBy: string;
  readonly expiresAt: Date | string | null;
  /** Instead of expiresAt: so many seconds from now, by the database's clock. */
  readonly ttlSeconds?: number;
  readonly reason: string | null;
}

export async function insertBinding(tx: Tx, binding: NewBinding): Promise<void> {
  const { scope, group } = binding;
  await tx.sql`
    insert into tenancy.role_binding (id, scope_id, scope_kind, tenant_id, role, principal_id, group_issuer, group_name, created_by, expires_at, reason)
    values (${binding.id}::uuid, ${scope.id}::uuid, ${scope.kind}, ${scope.tenantId}::uuid, ${binding.role}, ${binding.principalId}::uuid,
      ${group?.issuer ?? null}, ${group?.name ?? null}, ${binding.createdBy},
      coalesce(${binding.expiresAt}::timestamptz, now() + make_interval(secs => ${binding.ttlSeconds ?? null}::int)), ${binding.reason})`;
}

export async function amendBindingRow(
  tx: Tx,
  id: string,
  to: { expiresAt: Date | string | null; reason: string | null },
): Promise<void> {
  await tx.sql`
    update tenancy.role_binding set expires_at = ${to.expiresAt}::timestamptz, reason = ${to.reason}, version = version + 1, updated_at = now()
    where id = ${id}::uuid`;
}

const lockedBy = (condition: string) =>
  `select x.id, x.scope_id as "scopeId", s.kind as "scopeKind", s.tenant_id as "tenantId", s.project_id as "projectId", x.version,
     x.created_at as "createdAt", x.updated_at as "updatedAt", ${bindings.columns}
   from tenancy.role_binding x join tenancy.scope s on s.id = x.scope_id where ${condition} order by x.id for update of x`;

/** For update: the same grant that has run out makes room for a new one. */
export async function lockExpiredTwin(tx: Tx, binding: NewBinding): Promise<BindingRow | undefined> {
  const rows = await tx.unsafe(
    lockedBy(
      `x.scope_id = $1::uuid and x.role = $2 and x.principal_id is not distinct from $3::uuid and x.group_issuer is not distinct from $4
        and x.group_name is not distinct from $5 and x.expires_at <= now()`,
    ),
    [binding.scope.id, binding.role, binding.principalId, binding.group?.issuer ?? null, binding.group?.name ?? null],
  );
  return (rows as unknown as readonly BindingRow[])[0];
}

/** For update: all that a principal was granted goes with it. */
export async function lockBindingsOf(tx: Tx, principalId: string): Promise<readonly BindingRow[]> {
  return (await tx.unsafe(lockedBy('x.principal_id = $1::uuid'), [principalId])) as unknown as readonly BindingRow[];
}
