import { sql } from 'drizzle-orm';
import { check, foreignKey, index, text, uuid } from 'drizzle-orm/pg-core';
import { at, audited, id, tenancy } from './context.js';
import { scope } from './scope.js';

/** A lien on a scope, or on one thing in it. */
export const hold = tenancy.table(
  'hold',
  {
    id: id(),
    scopeId: uuid('scope_id').notNull(),
    tenantId: uuid('tenant_id'),
    resourceId: text('resource_id'),
    origin: text('origin').notNull(),
    reason: text('reason').notNull(),
    createdBy: text('created_by').notNull(),
    expiresAt: at('expires_at'),
    ...audited(),
  },
  (t) => [
    foreignKey({ name: 'hold_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }),
    index('hold_by_scope').on(t.scopeId, t.id),
    check('hold_version', sql`version > 0`),
  ],
);
