import { scopeViewTable } from '@sentral/kernel/scopes/view';
import { sql } from 'drizzle-orm';
import { bigint, check, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { inventory } from './context.js';

/** What this context knows of tenancy's scopes: a projection. Bookkeeping. */
export const scopeView = scopeViewTable(inventory);

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
