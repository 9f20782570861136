import { sql } from 'drizzle-orm';
import { check, foreignKey, index, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { audited, count, id, tenancy } from './context.js';
import { scope } from './scope.js';

export const quotaLimit = tenancy.table(
  'quota_limit',
  {
    id: id(),
    scopeId: uuid('scope_id').notNull(),
    scopeKind: text('scope_kind').notNull(),
    tenantId: uuid('tenant_id'),
    dimension: text('dimension').notNull(),
    limit: count('bound').notNull(),
    ...audited(),
  },
  (t) => [
    unique('quota_limit_once').on(t.scopeId, t.dimension),
    foreignKey({
      name: 'quota_limit_scope_exists',
      columns: [t.scopeId, t.scopeKind],
      foreignColumns: [scope.id, scope.kind],
    }),
    index('quota_limit_by_scope').on(t.scopeId, t.id),
    check('quota_limit_counts', sql`bound >= 0`),
    check('quota_limit_version', sql`version > 0`),
  ],
);

/**
 * Tenancy's own counters (projects, environments), changed in the transaction of the fact. Bookkeeping. The hand-written
 * step adds the trigger quota_never_grown_over_cap.
 */
export const quotaUse = tenancy.table(
  'quota_use',
  {
    scopeId: uuid('scope_id').notNull(),
    dimension: text('dimension').notNull(),
    used: count('used').notNull().default(0),
    /** Null: unlimited. */
    cap: count('cap'),
    overBy: count('over_by').notNull().default(0),
  },
  (t) => [
    primaryKey({ name: 'quota_use_once', columns: [t.scopeId, t.dimension] }),
    foreignKey({ name: 'quota_use_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }).onDelete(
      'cascade',
    ),
    check('quota_use_counts', sql`used >= 0 and over_by >= 0`),
    check('quota_use_within_cap', sql`used <= cap + over_by`),
  ],
);
