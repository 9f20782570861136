import { sql } from 'drizzle-orm';
import { check, foreignKey, index, jsonb, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { at, audited, emptyList, id, tenancy } from './context.js';
import { principal } from './principal.js';
import { scope } from './scope.js';

/** A role on a scope for a principal or a group. */
export const roleBinding = tenancy.table(
  'role_binding',
  {
    id: id(),
    scopeId: uuid('scope_id').notNull(),
    scopeKind: text('scope_kind').notNull(),
    tenantId: uuid('tenant_id'),
    role: text('role').notNull(),
    principalId: uuid('principal_id'),
    groupIssuer: text('group_issuer'),
    groupName: text('group_name'),
    createdBy: text('created_by').notNull(),
    expiresAt: at('expires_at'),
    reason: text('reason'),
    ...audited(),
  },
  (t) => [
    foreignKey({
      name: 'role_binding_scope_exists',
      columns: [t.scopeId, t.scopeKind],
      foreignColumns: [scope.id, scope.kind],
    }),
    foreignKey({ name: 'role_binding_principal_exists', columns: [t.principalId], foreignColumns: [principal.id] }),
    uniqueIndex('role_binding_once_per_principal')
      .on(t.scopeId, t.role, t.principalId)
      .where(sql`principal_id is not null`),
    uniqueIndex('role_binding_once_per_group')
      .on(t.scopeId, t.role, t.groupIssuer, t.groupName)
      .where(sql`principal_id is null`),
    index('role_binding_by_principal').on(t.principalId),
    index('role_binding_by_group').on(t.groupIssuer, t.groupName),
    index('role_binding_by_scope').on(t.scopeId, t.id),
    check(
      'role_binding_one_subject',
      sql`(principal_id is null) = (group_name is not null) and (group_name is null) = (group_issuer is null)`,
    ),
    check(
      'role_binding_where_the_role_goes',
      sql`case
        when role in ('platform-admin', 'platform-operator', 'platform-viewer') then scope_kind = 'platform'
        when role = 'break-glass' then scope_kind = 'tenant'
        when role = 'owner' then scope_kind in ('tenant', 'project')
        when role in ('admin', 'editor', 'allocator', 'viewer', 'auditor') then scope_kind in ('tenant', 'project', 'environment')
        else false end`,
    ),
    check(
      'role_binding_break_glass_is_short',
      sql`role <> 'break-glass' or (coalesce(expires_at <= created_at + interval '4 hours', false) and reason is not null)`,
    ),
    check('role_binding_version', sql`version > 0`),
  ],
);

/** What is forbidden on the platform or a tenant, and to whom. */
export const denyRule = tenancy.table(
  'deny_rule',
  {
    id: id(),
    scopeId: uuid('scope_id').notNull(),
    scopeKind: text('scope_kind').notNull(),
    tenantId: uuid('tenant_id'),
    permissions: text('permissions').array().notNull(),
    /** Null: everyone. */
    subjects: jsonb('subjects'),
    exceptions: jsonb('exceptions').notNull().default(emptyList),
    reason: text('reason').notNull(),
    createdBy: text('created_by').notNull(),
    ...audited(),
  },
  (t) => [
    foreignKey({
      name: 'deny_rule_scope_exists',
      columns: [t.scopeId, t.scopeKind],
      foreignColumns: [scope.id, scope.kind],
    }),
    index('deny_rule_by_scope').on(t.scopeId, t.id),
    check('deny_rule_scope_kind', sql`scope_kind in ('platform', 'tenant')`),
    check('deny_rule_names_something', sql`cardinality(permissions) > 0`),
    check(
      'deny_rule_subjects',
      sql`(subjects is null or jsonb_typeof(subjects) = 'array') and jsonb_typeof(exceptions) = 'array'`,
    ),
    check('deny_rule_version', sql`version > 0`),
  ],
);
