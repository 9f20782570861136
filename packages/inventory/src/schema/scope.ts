import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { inventory, updatedAt } from './context.js';

/** What this context knows of tenancy's scopes: a projection, one row a scope, the newer version wins. Bookkeeping. */
export const scopeView = inventory.table(
  'scope_view',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    parentId: uuid('parent_id'),
    tenantId: uuid('tenant_id'),
    state: text('state').notNull(),
    version: integer('version').notNull(),
    policyBindings: jsonb('policy_bindings')
      .notNull()
      .default(sql`'[]'::jsonb`),
    holds: jsonb('holds')
      .notNull()
      .default(sql`'[]'::jsonb`),
    /** Policy keys that are lifted until a time. */
    exemptions: jsonb('exemptions')
      .notNull()
      .default(sql`'[]'::jsonb`),
    limits: jsonb('limits')
      .notNull()
      .default(sql`'[]'::jsonb`),
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull().default(0),
    updatedAt: updatedAt(),
  },
  (t) => [
    check('scope_view_kind_known', sql`${t.kind} in ('platform', 'tenant', 'project', 'environment')`),
    // Which holds lie on one thing: asked by every delete.
    index('scope_view_by_held')
      .using('gin', t.holds.op('jsonb_path_ops'))
      .where(sql`holds <> '[]'::jsonb`),
    // Where the use of a scope sits: per child.
    index('scope_view_by_parent').on(t.parentId, t.id),
    check('scope_view_state_known', sql`${t.state} in ('active', 'suspended', 'deleting', 'deleted')`),
  ],
);

/**
 * How much each scope holds of each dimension, changed in the transaction of the allocation; the rows are the last that it
 * locks. Bookkeeping. The hand-written step adds the trigger quota_never_grown_over_cap. The ledger behind it is
 * allocation_item: one row a thing, with its dimension, its beginning and its end.
 */
export const quotaUse = inventory.table(
  'quota_use',
  {
    scopeId: uuid('scope_id').notNull(),
    dimension: text('dimension').notNull(),
    used: bigint('used', { mode: 'number' }).notNull().default(0),
    /** Null: unlimited. */
    cap: bigint('cap', { mode: 'number' }),
    overBy: bigint('over_by', { mode: 'number' }).notNull().default(0),
  },
  (t) => [
    primaryKey({ name: 'quota_use_once', columns: [t.scopeId, t.dimension] }),
    check('quota_use_counts', sql`${t.used} >= 0 and ${t.overBy} >= 0`),
    check('quota_use_within_cap', sql`${t.used} <= ${t.cap} + ${t.overBy}`),
  ],
);
