import { kernelTables } from '@sentral/kernel/tables';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';

export const audit = pgSchema('audit');

/** The kernel's tables. Bookkeeping: no version, no guard, no event. */
export const { feed, outbox, inbox, idempotency, operation, lease } = kernelTables(audit);

// Down to the producers everything is written by the functions of 0004_walls and 0007_keeping alone, and nothing of it is ever changed but the ends of logs: a
// record needs no record of itself.

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
const count = (name: string) => bigint(name, { mode: 'number' });
const at = (name: string) => timestamp(name, { withTimezone: true });

/** One log per tenant, one of the platform, and the one of all heads, which is signed. `stack`: the roots of its complete subtrees. */
export const log = audit.table(
  'log',
  {
    id: uuid('id').primaryKey(),
    kind: text('kind').notNull(),
    tenantId: uuid('tenant_id'),
    /** Its name in checkpoints, for ever. */
    origin: text('origin').notNull(),
    size: count('size').notNull().default(0),
    stack: bytea('stack')
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** How many leaves it had when its head was last taken. */
    headSize: count('head_size').notNull().default(0),
    /** Where its records begin: of those before it whole months have been dropped. */
    floor: count('floor').notNull().default(0),
  },
  (t) => [
    unique('log_once_per_tenant').on(t.kind, t.tenantId).nullsNotDistinct(),
    unique('log_origin_once').on(t.origin),
    check('log_kind_known', sql`${t.kind} in ('tenant', 'platform', 'heads')`),
    check('log_of_a_tenant', sql`(${t.kind} = 'tenant') = (${t.tenantId} is not null)`),
    check('log_sizes_count', sql`${t.headSize} between 0 and ${t.size}`),
    check('log_floor_counts', sql`${t.floor} between 0 and ${t.size}`),
  ],
);

/** Declared plain, since drizzle knows no partitions: 0003_records makes it partitioned by the time in its ids. */
export const record = audit.table(
  'record',
  {
    id: uuid('id').notNull(),
    logId: uuid('log_id').notNull(),
    /** Its place in the log, 0 the first: the index of its leaf. */
    seq: count('seq').notNull(),
    leaf: bytea('leaf').notNull(),
    class: text('class').notNull(),
    action: text('action').notNull(),
    outcome: text('outcome').notNull(),
    policyRelevant: boolean('policy_relevant').notNull(),
    actorId: uuid('actor_id'),
    tenantId: uuid('tenant_id'),
    projectId: uuid('project_id'),
    environmentId: uuid('environment_id'),
    resourceType: text('resource_type'),
    resourceId: uuid('resource_id'),
    resourceVersion: count('resource_version'),
    recordedAt: at('recorded_at').notNull(),
    /** What the leaf is the hash of, in canonical JSON. */
    record: jsonb('record').notNull(),
    /** The public event, where the change has one. */
    event: jsonb('event'),
    requestId: uuid('request_id'),
    /** What is said of persons, each part under the key of its subject: `audit.redact` alone takes it away. Not of the leaf. */
    sealed: jsonb('sealed'),
  },
  (t) => [
    primaryKey({ name: 'record_key', columns: [t.id] }),
    index('record_by_log').on(t.logId, t.seq),
    index('record_by_tenant').on(t.tenantId, t.id),
    index('record_by_resource').on(t.resourceId, t.id),
    index('record_by_actor').on(t.actorId, t.id),
    // Who works for a thousand tenants has few records in each: a tenant does not walk along those of the others.
    index('record_by_tenant_and_actor')
      .on(t.tenantId, t.actorId, t.id)
      .where(sql`${t.tenantId} is not null and ${t.actorId} is not null`),
    // What lies in no project is not looked for by one, and is most of what a platform does.
    index('record_by_project')
      .on(t.projectId, t.id)
      .where(sql`${t.projectId} is not null`),
    index('record_by_environment')
      .on(t.environmentId, t.id)
      .where(sql`${t.environmentId} is not null`),
    index('record_by_request')
      .on(t.requestId, t.id)
      .where(sql`${t.requestId} is not null`),
    index('record_policy_relevant')
      .on(t.tenantId, t.id)
      .where(sql`${t.policyRelevant}`),
    check('record_leaf_is_sha256', sql`length(${t.leaf}) = 32`),
    check('record_outcome_known', sql`${t.outcome} in ('success', 'denied', 'failed', 'unknown')`),
    check('record_seq_counts', sql`${t.seq} >= 0`),
  ],
);

/** The root of every complete subtree of 256, 65,536, … leaves: level 1, 2, … */
export const tile = audit.table(
  'tile',
  {
    logId: uuid('log_id').notNull(),
    level: integer('level').notNull(),
    index: count('index').notNull(),
    hash: bytea('hash').notNull(),
  },
  (t) => [primaryKey({ name: 'tile_key', columns: [t.logId, t.level, t.index] })],
);

/** The leaves of records that were dropped: with them every head and every proof of before still stands, at a sixteenth of the room. */
export const leaf = audit.table(
  'leaf',
  {
    logId: uuid('log_id').notNull(),
    seq: count('seq').notNull(),
    hash: bytea('hash').notNull(),
  },
  (t) => [primaryKey({ name: 'leaf_key', columns: [t.logId, t.seq] })],
);

/** Up to which version the changes of a resource stood in months that were dropped, and how many of them went. */
export const resourceFloor = audit.table(
  'resource_floor',
  {
    resourceType: text('resource_type').notNull(),
    resourceId: uuid('resource_id').notNull(),
    version: count('version').notNull(),
    changes: count('changes').notNull(),
  },
  (t) => [primaryKey({ name: 'resource_floor_key', columns: [t.resourceType, t.resourceId] })],
);

/** The heads of logs, in the order in which they were taken: the leaves of the log of heads. */
export const head = audit.table(
  'head',
  {
    seq: count('seq').primaryKey(),
    logId: uuid('log_id').notNull(),
    size: count('size').notNull(),
    root: bytea('root').notNull(),
    leaf: bytea('leaf').notNull(),
    takenAt: at('taken_at').notNull().defaultNow(),
  },
  (t) => [unique('head_once_per_size').on(t.logId, t.size)],
);

/** Signed notes of the log of heads, as they left. */
export const checkpoint = audit.table(
  'checkpoint',
  {
    id: uuid('id').primaryKey(),
    size: count('size').notNull(),
    root: bytea('root').notNull(),
    note: text('note').notNull(),
    signedAt: at('signed_at').notNull().defaultNow(),
  },
  (t) => [index('checkpoint_by_size').on(t.size)],
);

/** How far the feed of each context is on record; moves in the transaction that puts it there. */
export const producer = audit.table(
  'producer',
  { context: text('context').primaryKey(), confirmedPos: count('confirmed_pos').notNull().default(0) },
  (t) => [check('producer_counts', sql`${t.confirmedPos} >= 0`)],
);

/**
 * The key of each person, service account, or nobody in particular, whom records are about, wrapped by a key of the instance. Erased, its row
 * stays: no key is ever made for it again. Bookkeeping.
 */
export const subjectKey = audit.table(
  'subject_key',
  {
    subjectId: uuid('subject_id').primaryKey(),
    keyId: text('key_id'),
    wrapped: text('wrapped'),
    createdAt: at('created_at').notNull().defaultNow(),
    erasedAt: at('erased_at'),
  },
  (t) => [
    check(
      'subject_key_erased_is_gone',
      sql`(${t.erasedAt} is null) = (${t.wrapped} is not null) and (${t.wrapped} is null) = (${t.keyId} is null)`,
    ),
    index('subject_key_by_wrapping').on(t.keyId),
  ],
);

/** How far each log has been told on the bus: where its next message begins. Bookkeeping. */
export const publication = audit.table('publication', {
  logId: uuid('log_id').primaryKey(),
  nextSeq: count('next_seq').notNull().default(0),
});

/** Feeds that do not go on record for now, and why: a row while it lasts. Bookkeeping. */
export const feedStop = audit.table('feed_stop', {
  context: text('context').primaryKey(),
  reason: text('reason').notNull(),
  since: at('since').notNull().defaultNow(),
});

/** How far the count of the facts of a context against their records has come, and what its last rounds found. Bookkeeping: no version, no guard. */
export const completeness = audit.table('completeness', {
  context: text('context').primaryKey(),
  /** Where the round goes on; null between two rounds. */
  cursor: text('cursor'),
  /** Null: a round is wanted at once. */
  finishedAt: at('finished_at'),
  checked: count('checked').notNull().default(0),
  found: count('found').notNull().default(0),
  /** What the last whole round found. */
  missing: count('missing').notNull().default(0),
});

/** While it lives, no month is dropped that holds a record of its scope, or of the one thing in it. Without ids the scope is the platform's. */
export const legalHold = audit.table(
  'legal_hold',
  {
    id: uuid('id').primaryKey(),
    version: count('version').notNull().default(1),
    tenantId: uuid('tenant_id'),
    projectId: uuid('project_id'),
    environmentId: uuid('environment_id'),
    resourceKind: text('resource_kind'),
    resourceId: uuid('resource_id'),
    reason: text('reason').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
    endReason: text('end_reason'),
  },
  (t) => [
    index('legal_hold_live')
      .on(t.tenantId, t.id)
      .where(sql`${t.endedAt} is null`),
    check(
      'legal_hold_lies_in_a_tenant',
      sql`${t.tenantId} is not null or (${t.projectId} is null and ${t.environmentId} is null)`,
    ),
    check('legal_hold_names_a_thing', sql`(${t.resourceKind} is null) = (${t.resourceId} is null)`),
    check('legal_hold_ends_with_a_reason', sql`(${t.endedAt} is null) = (${t.endReason} is null)`),
  ],
);

/** Records of one scope, written out for somebody to take away. Its files lie beside it, so that every replica gives them and none is left behind. */
export const exporting = audit.table(
  'export',
  {
    /** That of its task. */
    id: uuid('id').primaryKey(),
    version: count('version').notNull().default(1),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    environmentId: uuid('environment_id'),
    state: text('state').notNull().default('waiting'),
    filter: jsonb('filter').notNull(),
    format: text('format').notNull(),
    personal: boolean('personal').notNull(),
    createdBy: text('created_by').notNull(),
    /** What it held when it was ready. */
    records: count('records').notNull().default(0),
    bytes: count('bytes').notNull().default(0),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
    expiresAt: at('expires_at').notNull(),
  },
  (t) => [
    index('export_by_tenant').on(t.tenantId, t.id),
    index('export_due')
      .on(t.expiresAt)
      .where(sql`${t.state} in ('waiting', 'ready')`),
    check('export_state_known', sql`${t.state} in ('waiting', 'ready', 'cancelled', 'expired', 'deleted')`),
    check('export_format_known', sql`${t.format} in ('ndjson', 'ocsf')`),
  ],
);

/** How far an export has come while it is written: what it is measured by, and where it goes on. Bookkeeping. */
export const exportProgress = audit.table(
  'export_progress',
  {
    exportId: uuid('export_id').primaryKey(),
    logId: uuid('log_id').notNull(),
    /** The note and the head that every record of it stands under; fixed, so that what comes on record meanwhile is not of it. */
    signed: jsonb('signed').notNull(),
    nextSeq: count('next_seq').notNull(),
    firstSeq: count('first_seq'),
    lastSeq: count('last_seq'),
    parts: count('parts').notNull().default(0),
    records: count('records').notNull().default(0),
    bytes: count('bytes').notNull().default(0),
  },
  (t) => [foreignKey({ name: 'export_progress_of', columns: [t.exportId], foreignColumns: [exporting.id] })],
);

/** The files of exports, each written whole in the transaction that moves the progress. Bookkeeping. */
export const exportFile = audit.table(
  'export_file',
  {
    exportId: uuid('export_id').notNull(),
    name: text('name').notNull(),
    lines: count('lines').notNull(),
    sha256: text('sha256').notNull(),
    content: bytea('content').notNull(),
  },
  (t) => [
    primaryKey({ name: 'export_file_key', columns: [t.exportId, t.name] }),
    foreignKey({ name: 'export_file_of', columns: [t.exportId], foreignColumns: [exporting.id] }),
    check('export_file_bounded', sql`length(${t.content}) <= 67108864`),
  ],
);
