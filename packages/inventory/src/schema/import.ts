import { sql } from 'drizzle-orm';
import { bigint, boolean, check, foreignKey, index, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, inventory, updatedAt, version } from './context.js';

/**
 * An import: its state, counts and progress. Bookkeeping: what it changes are facts with feed rows of their own, and progress
 * would otherwise write a fact a second. Its version is the ETag. The worker claims it by raising the epoch; each of its
 * writes carries `where epoch = mine`.
 */
export const importJob = inventory.table(
  'import',
  {
    id: id(),
    source: text('source').notNull(),
    format: text('format').notNull(),
    atomic: text('atomic').notNull().default('batch'),
    dryRun: boolean('dry_run').notNull().default(false),
    state: text('state').notNull().default('staging'),
    chunks: integer('chunks').notNull().default(0),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(0),
    rowsTotal: integer('rows_total').notNull().default(0),
    rowsDone: integer('rows_done').notNull().default(0),
    counts: jsonb('counts').notNull().default(emptyObject),
    problem: jsonb('problem'),
    principalId: text('principal_id').notNull(),
    /** Whether that principal might make tenants when it asked. */
    mayMakeTenants: boolean('may_make_tenants').notNull().default(false),
    epoch: bigint('epoch', { mode: 'number' }).notNull().default(0),
    /** Claims since it last waited for something: one that takes its worker down every time must not do so for ever. */
    tries: integer('tries').notNull().default(0),
    /** Of a running one: until when its worker has it. Of a queued one: before when nobody tries it. */
    claimedUntil: instant('claimed_until'),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    check('import_format_known', sql`${t.format} in ('changeset', 'netbox', 'devicetypes', 'prefixplan')`),
    check('import_atomic_known', sql`${t.atomic} in ('set', 'batch')`),
    check(
      'import_state_known',
      sql`${t.state} in ('staging', 'queued', 'running', 'succeeded', 'failed', 'cancelled')`,
    ),
    index('import_to_do')
      .on(t.id)
      .where(sql`${t.state} in ('queued', 'running')`),
  ],
);

/** The file as it came, in order, until it has been read into rows. Bookkeeping; deleted when the import ends. */
export const importChunk = inventory.table(
  'import_chunk',
  {
    importId: uuid('import_id').notNull(),
    ordinal: integer('ordinal').notNull(),
    content: text('content').notNull(),
  },
  (t) => [
    primaryKey({ name: 'import_chunk_once', columns: [t.importId, t.ordinal] }),
    foreignKey({ name: 'import_chunk_of_its_import', columns: [t.importId], foreignColumns: [importJob.id] }).onDelete(
      'cascade',
    ),
  ],
);

/** One line of the change set and what became of it. Bookkeeping. */
export const importRow = inventory.table(
  'import_row',
  {
    importId: uuid('import_id').notNull(),
    line: integer('line').notNull(),
    op: text('op').notNull(),
    externalId: text('external_id').notNull(),
    resourceType: text('resource_type'),
    ifMatch: integer('if_match'),
    resource: jsonb('resource'),
    outcome: text('outcome'),
    resourceId: uuid('resource_id'),
    problem: jsonb('problem'),
  },
  (t) => [
    primaryKey({ name: 'import_row_once', columns: [t.importId, t.line] }),
    foreignKey({ name: 'import_row_of_its_import', columns: [t.importId], foreignColumns: [importJob.id] }).onDelete(
      'cascade',
    ),
    check('import_row_op_known', sql`${t.op} in ('upsert', 'delete', 'skip')`),
    check(
      'import_row_outcome_known',
      sql`${t.outcome} in ('created', 'updated', 'unchanged', 'deleted', 'skipped', 'refused')`,
    ),
  ],
);
