import { sql } from 'drizzle-orm';
import { check, foreignKey, index, jsonb, text, unique, uuid } from 'drizzle-orm/pg-core';
import { at, audited, id, tenancy } from './context.js';
import { scope } from './scope.js';

/** What is bound on one scope: a singleton, whose parts are the bindings. */
export const policy = tenancy.table(
  'policy',
  { id: id(), scopeId: uuid('scope_id').notNull(), tenantId: uuid('tenant_id'), ...audited() },
  (t) => [
    unique('policy_once_per_scope').on(t.scopeId),
    foreignKey({ name: 'policy_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }),
    check('policy_version', sql`version > 0`),
  ],
);

/** A part of its policy: changed with its version alone. */
export const policyBinding = tenancy.table(
  'policy_binding',
  {
    id: id(),
    policyId: uuid('policy_id').notNull(),
    scopeId: uuid('scope_id').notNull(),
    tenantId: uuid('tenant_id'),
    key: text('key').notNull(),
    value: jsonb('value').notNull(),
    lock: text('lock').notNull(),
    mode: text('mode').notNull(),
  },
  (t) => [
    unique('policy_binding_key_once').on(t.scopeId, t.key),
    foreignKey({ name: 'policy_binding_of_its_policy', columns: [t.policyId], foreignColumns: [policy.id] }),
    check('policy_binding_lock', sql`lock in ('default', 'override')`),
    check('policy_binding_mode', sql`mode in ('enforce', 'audit')`),
  ],
);

export const policyExemption = tenancy.table(
  'policy_exemption',
  {
    id: id(),
    scopeId: uuid('scope_id').notNull(),
    tenantId: uuid('tenant_id'),
    key: text('key').notNull(),
    reason: text('reason').notNull(),
    approvedBy: text('approved_by').notNull(),
    expiresAt: at('expires_at').notNull(),
    ...audited(),
  },
  (t) => [
    unique('policy_exemption_once').on(t.scopeId, t.key),
    foreignKey({ name: 'policy_exemption_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }),
    index('policy_exemption_by_expiry').on(t.expiresAt),
    check('policy_exemption_version', sql`version > 0`),
  ],
);
