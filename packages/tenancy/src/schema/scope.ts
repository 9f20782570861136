import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  jsonb,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

import { at, tenancy } from './context.js';

/** Audited. The tree platform > tenant > project > environment; its shape is held by the constraints alone. */
export const scope = tenancy.table(
  'scope',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    parentId: uuid('parent_id'),
    parentKind: text('parent_kind'),
    tenantId: uuid('tenant_id'),
    projectId: uuid('project_id'),
    // Null above the project, where MATCH SIMPLE then skips the reference: a tenant's parent is in no tenant.
    parentTenantId: uuid('parent_tenant_id').generatedAlwaysAs(
      sql`case when kind in ('project', 'environment') then tenant_id end`,
    ),
    name: text('name').notNull(),
    displayName: text('display_name'),
    labels: jsonb('labels').notNull().default({}),
    annotations: jsonb('annotations').notNull().default({}),
    state: text('state').notNull().default('active'),
    // While it is being deleted: what it goes back to when something still lives in it.
    revertsTo: text('reverts_to'),
    class: text('class'),
    expiresAt: at('expires_at'),
    protected: boolean('protected').notNull().default(false),
    // The policy clock when the policy or an exemption of this scope last changed.
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull().default(0),
    version: bigint('version', { mode: 'number' }).notNull().default(1),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    deletedAt: at('deleted_at'),
    purgeAt: at('purge_at'),
  },
  (t) => [
    unique('scope_id_kind').on(t.id, t.kind),
    unique('scope_id_tenant').on(t.id, t.tenantId),
    unique('scope_name_unique_under_parent').on(t.parentId, t.name),
    // What a list asks: all of a kind, what one tenant has, a name or its beginning; and its orders.
    index('scope_by_kind').on(t.kind, t.id),
    index('scope_by_tenant').on(t.tenantId, t.kind, t.id),
    index('scope_by_name').on(t.kind, sql`name collate "C"`, t.id),
    index('scope_by_created').on(t.kind, t.createdAt, t.id),
    uniqueIndex('scope_one_platform')
      .on(t.kind)
      .where(sql`kind = 'platform'`),
    foreignKey({
      name: 'scope_parent_is_what_it_says',
      columns: [t.parentId, t.parentKind],
      foreignColumns: [t.id, t.kind],
    }),
    foreignKey({
      name: 'scope_stays_in_tenant',
      columns: [t.parentId, t.parentTenantId],
      foreignColumns: [t.id, t.tenantId],
    }),
    check('scope_kind', sql`kind in ('platform', 'tenant', 'project', 'environment')`),
    check(
      'scope_parent_kind',
      sql`(parent_id is null) = (kind = 'platform') and parent_kind is not distinct from
        (case kind when 'tenant' then 'platform' when 'project' then 'tenant' when 'environment' then 'project' end)`,
    ),
    check('scope_tenant_is_its_own', sql`(kind = 'tenant') = (tenant_id is not distinct from id)`),
    check('scope_platform_has_no_tenant', sql`(kind = 'platform') = (tenant_id is null)`),
    check(
      'scope_project_is_right',
      sql`project_id is not distinct from (case kind when 'project' then id when 'environment' then parent_id end)`,
    ),
    check('scope_name', sql`name ~ '^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$'`),
    check('scope_state', sql`state in ('active', 'suspended', 'deleting', 'deleted')`),
    check(
      'scope_deleting_can_revert',
      sql`(state = 'deleting') = (reverts_to is not null) and reverts_to in ('active', 'suspended')`,
    ),
    check('scope_platform_stays', sql`kind <> 'platform' or state = 'active'`),
    check(
      'scope_deleted_has_purge',
      sql`(state = 'deleted') = (deleted_at is not null) and (state = 'deleted') = (purge_at is not null)`,
    ),
    check('scope_class', sql`class in ('production', 'staging', 'development', 'ephemeral')`),
    check(
      'scope_environment_fields',
      sql`(kind = 'environment') = (class is not null)
        and (expires_at is not null) = (class is not distinct from 'ephemeral')
        and (kind = 'environment' or not protected)`,
    ),
    check('scope_labels_are_objects', sql`jsonb_typeof(labels) = 'object' and jsonb_typeof(annotations) = 'object'`),
    check('scope_version', sql`version > 0`),
  ],
);

/** The key under which a source knows a scope: a part of the scope, written with it and never changed. */
export const scopeKey = tenancy.table(
  'scope_key',
  {
    source: text('source').notNull(),
    externalId: text('external_id').notNull(),
    scopeId: uuid('scope_id').notNull(),
  },
  (t) => [
    primaryKey({ name: 'scope_key_once_per_source', columns: [t.source, t.externalId] }),
    foreignKey({ name: 'scope_key_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }).onDelete(
      'cascade',
    ),
  ],
);
