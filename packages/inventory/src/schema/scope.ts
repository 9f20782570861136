import { sql } from 'drizzle-orm';
import { check, integer, jsonb, text, uuid } from 'drizzle-orm/pg-core';
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
    updatedAt: updatedAt(),
  },
  (t) => [
    check('scope_view_kind_known', sql`${t.kind} in ('platform', 'tenant', 'project', 'environment')`),
    check('scope_view_state_known', sql`${t.state} in ('active', 'suspended', 'deleting', 'deleted')`),
  ],
);
