import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  customType,
  foreignKey,
  index,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { at, audited, count, id, tenancy } from './context.js';
import { scope } from './scope.js';

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });

/**
 * Who may act: a user as an issuer knows it, or a service account of a tenant or the platform. A removed account keeps
 * its row, since records and bindings of others name it; of an erased user nothing but the id is left.
 */
export const principal = tenancy.table(
  'principal',
  {
    id: id(),
    kind: text('kind').notNull(),
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    /** Service accounts: where they belong. */
    scopeId: uuid('scope_id'),
    tenantId: uuid('tenant_id'),
    name: text('name'),
    displayName: text('display_name'),
    state: text('state').notNull().default('active'),
    ...audited(),
  },
  (t) => [
    uniqueIndex('principal_once_per_issuer').on(t.issuer, t.subject),
    uniqueIndex('principal_name_once_in_scope')
      .on(t.scopeId, t.name)
      .where(sql`kind = 'service' and state <> 'removed'`),
    foreignKey({ name: 'principal_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }),
    check('principal_kind', sql`kind in ('user', 'service')`),
    check(
      'principal_state',
      sql`state in ('active', 'disabled') or state = case kind when 'service' then 'removed' else 'erased' end`,
    ),
    check(
      'principal_erased_is_nobody',
      sql`state <> 'erased' or (issuer = 'sentral:erased' and subject = id::text and display_name is null)`,
    ),
    check(
      'principal_service_fields',
      sql`(kind = 'service') = (scope_id is not null) and (kind = 'service') = (name is not null) and (kind = 'service' or tenant_id is null)`,
    ),
    check('principal_version', sql`version > 0`),
  ],
);

/** An API token of a service account; what proves it lies in token_secret. */
export const token = tenancy.table(
  'token',
  {
    id: id(),
    serviceAccountId: uuid('service_account_id').notNull(),
    tenantId: uuid('tenant_id'),
    name: text('name').notNull(),
    /** Null: all that the account may. */
    permissions: text('permissions').array(),
    /** Null: wherever the account may. */
    scopeId: uuid('scope_id'),
    createdBy: text('created_by').notNull(),
    expiresAt: at('expires_at').notNull(),
    revokedAt: at('revoked_at'),
    ...audited(),
  },
  (t) => [
    foreignKey({ name: 'token_account_exists', columns: [t.serviceAccountId], foreignColumns: [principal.id] }),
    foreignKey({ name: 'token_scope_exists', columns: [t.scopeId], foreignColumns: [scope.id] }),
    index('token_by_account').on(t.serviceAccountId, t.id),
    check('token_lives_a_year_at_most', sql`expires_at <= created_at + interval '365 days 1 minute'`),
    check('token_version', sql`version > 0`),
  ],
);

/** SHA-256 of 256 random bits: a slow hash would only help who floods us. A part of its token; no reading role sees it. */
export const tokenSecret = tenancy.table(
  'token_secret',
  { tokenId: uuid('token_id').primaryKey(), sha256: bytea('sha256').notNull() },
  (t) => [
    foreignKey({ name: 'token_secret_of_its_token', columns: [t.tokenId], foreignColumns: [token.id] }),
    check('token_secret_length', sql`octet_length(sha256) = 32`),
  ],
);

/** When a token was last used, in steps of five minutes. Bookkeeping. */
export const tokenUse = tenancy.table(
  'token_use',
  { tokenId: uuid('token_id').primaryKey(), usedAt: at('used_at').notNull(), address: text('address') },
  (t) => [foreignKey({ name: 'token_use_of_its_token', columns: [t.tokenId], foreignColumns: [token.id] })],
);

/**
 * The one row that every change of access and of policy locks first, so that such changes pass one after another and
 * their order can be counted. Bookkeeping.
 */
export const installation = tenancy.table(
  'installation',
  {
    one: boolean('one').notNull().default(true),
    accessEpoch: count('access_epoch').notNull().default(0),
    policyVersion: count('policy_version').notNull().default(0),
    /** Set when an administrator was made over the head of those there are. */
    overriddenAt: at('overridden_at'),
    /** Set by the first start in production: a development issuer never opens this database again. */
    productionSince: at('production_since'),
  },
  (t) => [primaryKey({ name: 'installation_once', columns: [t.one] }), check('installation_one_row', sql`one`)],
);
