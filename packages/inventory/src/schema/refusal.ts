import { check, index, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { createdAt, inventory } from './context.js';

/**
 * Why an allocation was refused, kept for a day. Bookkeeping: no version, no feed row, and nothing refers to it. The migration
 * makes it partitioned by the day of created_at (UTC); refusal_keep_partitions makes and drops the days. Row-level security by
 * tenant.
 */
export const refusal = inventory.table(
  'refusal',
  {
    id: uuid('id').notNull(),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    scopeId: uuid('scope_id').notNull(),
    principalId: text('principal_id').notNull(),
    principalType: text('principal_type').notNull(),
    /** What the refused one saw: who sees less is not shown what it was told. */
    readScope: jsonb('read_scope').notNull(),
    problem: jsonb('problem').notNull(),
    explanation: jsonb('explanation').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ name: 'refusal_key', columns: [t.id, t.createdAt] }),
    check('refusal_principal_type_known', sql`${t.principalType} in ('user', 'service', 'system')`),
    // How many a principal had in the last second.
    index('refusal_by_principal').on(t.principalId, t.createdAt),
    index('refusal_by_tenant').on(t.tenantId, t.id),
    index('refusal_by_project').on(t.projectId, t.id),
    index('refusal_by_scope').on(t.scopeId, t.id),
  ],
);
