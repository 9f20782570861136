// The kernel's tables and the database code that holds them true. Prevents: a change that nobody can read about (the guard
// at COMMIT), a lost update (the version rule), and a feed that can only be thinned by deleting row by row (day partitions).
import { sql } from 'drizzle-orm';
import type { PgSchema } from 'drizzle-orm/pg-core';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
const instant = (name: string) => timestamp(name, { withTimezone: true });
const count = (name: string) => bigint(name, { mode: 'number' });

/** The kernel's tables of one context, to be re-exported from its schema: bookkeeping, without version, guard and policies. */
export function kernelTables(schema: PgSchema) {
  // Declared plain because drizzle knows no partitions; kernelSql turns the empty table into a partitioned one, and a test
  // compares the two definitions column by column.
  const feed = schema.table(
    'feed',
    {
      id: uuid('id').notNull(),
      xid: xid8('xid')
        .notNull()
        .default(sql`pg_current_xact_id()`),
      seq: count('seq').notNull().generatedAlwaysAsIdentity(),
      pos: count('pos'),
      recordedAt: instant('recorded_at').notNull().defaultNow(),
      type: text('type').notNull(),
      resourceType: text('resource_type').notNull(),
      resourceId: uuid('resource_id').notNull(),
      resourceVersion: count('resource_version').notNull(),
      tenantId: uuid('tenant_id'),
      projectId: uuid('project_id'),
      environmentId: uuid('environment_id'),
      event: jsonb('event'),
      audit: jsonb('audit'),
      traceparent: text('traceparent'),
      causation: text('causation'),
      deadReason: text('dead_reason'),
    },
    (t) => [
      primaryKey({ name: 'feed_key', columns: [t.id, t.recordedAt] }),
      index('feed_unnumbered')
        .on(t.seq)
        .where(sql`${t.pos} is null`),
      check('feed_version_counts', sql`${t.resourceVersion} > 0`),
    ],
  );

  const outbox = schema.table(
    'outbox',
    {
      id: count('id').primaryKey().generatedAlwaysAsIdentity(),
      lane: smallint('lane').notNull(),
      aggregate: text('aggregate').notNull(),
      operation: text('operation'),
      subject: text('subject').notNull(),
      messageId: text('message_id').notNull(),
      headers: jsonb('headers').notNull().default({}),
      body: jsonb('body').notNull(),
      tries: integer('tries').notNull().default(0),
      lastError: text('last_error'),
      notBefore: instant('not_before').notNull().defaultNow(),
      createdAt: instant('created_at').notNull().defaultNow(),
    },
    (t) => [
      index('outbox_lane_order').on(t.lane, t.id),
      uniqueIndex('outbox_operation_once')
        .on(t.operation)
        .where(sql`${t.operation} is not null`),
      check('outbox_lane_known', sql`${t.lane} between 0 and 7`),
    ],
  );

  const inbox = schema.table(
    'inbox',
    {
      consumer: text('consumer').notNull(),
      messageId: text('message_id').notNull(),
      receivedAt: instant('received_at').notNull().defaultNow(),
    },
    (t) => [
      primaryKey({ name: 'inbox_message_once', columns: [t.consumer, t.messageId] }),
      index('inbox_age').on(t.receivedAt),
    ],
  );

  const idempotency = schema.table(
    'idempotency',
    {
      scope: text('scope').notNull(),
      key: text('key').notNull(),
      fingerprint: text('fingerprint').notNull(),
      /** What an intent minted before its work is done (task.intent). */
      mintedId: uuid('minted_id'),
      /** SQL null = no result yet; JSON null = the verb answers nothing. */
      result: jsonb('result'),
      createdAt: instant('created_at').notNull().defaultNow(),
      expiresAt: instant('expires_at')
        .notNull()
        .default(sql`now() + interval '24 hours'`),
    },
    (t) => [
      primaryKey({ name: 'idempotency_key_once', columns: [t.scope, t.key] }),
      index('idempotency_expiry').on(t.expiresAt),
    ],
  );

  const operation = schema.table(
    'operation',
    {
      op: uuid('op').primaryKey(),
      attempt: integer('attempt').notNull().default(0),
      undoAttempt: integer('undo_attempt').notNull().default(0),
      state: text('state').notNull(),
      tombstone: boolean('tombstone').notNull().default(false),
      wantUndo: boolean('want_undo').notNull().default(false),
      input: jsonb('input'),
      result: jsonb('result'),
      updatedAt: instant('updated_at').notNull().defaultNow(),
    },
    (t) => [
      check('operation_state_known', sql`${t.state} in ('doing', 'done', 'failed', 'undoing', 'undone')`),
      check('operation_undo_leaves_tombstone', sql`${t.state} not in ('undoing', 'undone') or ${t.tombstone}`),
      index('operation_unfinished')
        .on(t.updatedAt)
        .where(sql`${t.state} in ('doing', 'undoing')`),
    ],
  );

  const lease = schema.table(
    'lease',
    {
      name: text('name').primaryKey(),
      epoch: count('epoch').notNull().default(0),
      until: instant('until').notNull().defaultNow(),
      position: count('position').notNull().default(0),
    },
    (t) => [check('lease_counts_up', sql`${t.epoch} >= 0 and ${t.position} >= 0`)],
  );

  return { feed, outbox, inbox, idempotency, operation, lease };
}

export interface AuditedTable {
  readonly table: string;
  /** The uuid column that feed rows name as resource id; default `id`. */
  readonly idColumn?: string;
}

/** Quotes a schema, table or column name; only plain lower-case names pass, so no statement can be smuggled in. */
export function quoteName(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,50}$/.test(name)) throw new TypeError(`not a plain name: ${name}`);
  return `"${name}"`;
}

/**
 * The hand-written part of a context's migration, run as the schema's owner after the generated part. Safe to run again;
 * works on PostgreSQL 15 to 18.
 */
export function kernelSql(schemaName: string, audited: readonly AuditedTable[]): string {
  const schema = quoteName(schemaName);
  const idColumns = [...new Set(audited.map(idColumnOf))];
  return [
    partitionedFeed(schema, schemaName),
    partitionMaker(schema, schemaName),
    ...idColumns.flatMap((id) => [versionRule(schema, schemaName, id), guard(schema, schemaName, id)]),
    ...audited.map((each) => guardTriggers(schema, each)),
    grants(schema, schemaName),
    `select ${schema}.feed_make_partitions(3);`,
  ].join('\n--> statement-breakpoint\n');
}

// As every context shipped it: since then rows without a number are found by `seq` alone (0024).
function partitionedFeed(schema: string, name: string): string {
  return `-- The generated feed is a plain table; an empty one is made anew, partitioned by the day of recorded_at (UTC).
do $feed$
begin
  if (select relkind from pg_class where oid = '${schema}.feed'::regclass) = 'p' then return; end if;
  if exists (select from ${schema}.feed) then raise exception 'feed holds rows: move them by hand before it is partitioned'; end if;
  drop table ${schema}.feed;
  create table ${schema}.feed (
    id uuid not null,
    xid xid8 not null default pg_current_xact_id(),
    seq bigint not null generated always as identity,
    pos bigint,
    recorded_at timestamptz not null default now(),
    type text not null,
    resource_type text not null,
    resource_id uuid not null,
    resource_version bigint not null,
    tenant_id uuid,
    project_id uuid,
    environment_id uuid,
    event jsonb,
    audit jsonb,
    traceparent text,
    causation text,
    dead_reason text,
    constraint feed_key primary key (id, recorded_at),
    constraint feed_version_counts check (resource_version > 0)
  ) partition by range (recorded_at);
  create index feed_unnumbered on ${schema}.feed (xid, seq) where pos is null;
  -- A net for a day whose partition nobody made in time: an insert never fails for want of a partition.
  create table ${schema}.feed_default partition of ${schema}.feed default;
  create unique index feed_default_change_once on ${schema}.feed_default (resource_id, resource_version, resource_type);
  create unique index feed_default_pos_once on ${schema}.feed_default (pos);
  ${closeToReaders(schema, name, `'feed_default'`)}
end
$feed$;`;
}

// A unique index of a partitioned table must contain the partition key, and (…, recorded_at) would judge nothing. So "one
// row a change" and "one row a pos" are unique indexes of each partition; across days the version rule and the numbering
// lock hold them. The maker is SECURITY DEFINER because only the owner may create and attach, and no login owns a table.
// It attaches a finished table instead of using PARTITION OF: the parent is then locked only against other such changes.
// Rows of the day that lie in the default partition move along, or the attach would be refused.
function partitionMaker(schema: string, name: string): string {
  return `create or replace function ${schema}.feed_make_partitions(days_ahead integer) returns integer
language plpgsql security definer set search_path = ${schema}, pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $make$
declare
  made integer := 0;
  day date;
  part text;
begin
  if days_ahead not between 0 and 30 then raise exception 'days_ahead must be 0 to 30'; end if;
  perform pg_advisory_xact_lock(hashtext('${name}'), hashtext('feed.partition'));
  for day in select current_date + n from generate_series(0, days_ahead) n loop
    part := 'feed_p' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('${schema}.' || part) is not null;
    execute format('create table ${schema}.%I (like ${schema}.feed including defaults including constraints including storage)', part);
    execute format('with moved as (delete from ${schema}.feed_default where recorded_at >= %L and recorded_at < %L returning *) insert into ${schema}.%I select * from moved', day::timestamptz, (day + 1)::timestamptz, part);
    execute format('alter table ${schema}.feed attach partition ${schema}.%I for values from (%L) to (%L)', part, day::timestamptz, (day + 1)::timestamptz);
    execute format('create unique index %I on ${schema}.%I (resource_id, resource_version, resource_type)', part || '_change_once', part);
    execute format('create unique index %I on ${schema}.%I (pos)', part || '_pos_once', part);
    ${closeToReaders(schema, name, 'part')}
    made := made + 1;
  end loop;
  return made;
end
$make$;`;
}

// A partition has privileges of its own, and the schema's default ones would open it to those who read by tenant.
const closeToReaders = (schema: string, name: string, part: string): string =>
  `if to_regrole('${name}_read') is not null then execute format('revoke all on ${schema}.%I from ${name}_read', ${part}); end if;`;

const idColumnOf = (audited: AuditedTable): string => quoteName(audited.idColumn ?? 'id').slice(1, -1);

// One pair of functions per name of an id column: plpgsql then reads the column directly, where a generic function would
// have to turn each row into JSON first.
function versionRule(schema: string, name: string, id: string): string {
  return `create or replace function ${schema}.feed_version_rule_${id}() returns trigger
language plpgsql set search_path = ${schema}, pg_temp as $rule$
begin
  if new.version is distinct from old.version + 1 or new."${id}" is distinct from old."${id}" then
    raise exception using errcode = '23514', constraint = 'version_moves_by_one', schema = '${name}', table = tg_table_name,
      message = format('%s %s: version %s cannot follow %s', tg_table_name, old."${id}", new.version, old.version);
  end if;
  return new;
end
$rule$;
--> statement-breakpoint
revoke execute on function ${schema}.feed_version_rule_${id}() from public;`;
}

// SECURITY DEFINER because a deferred trigger runs under different roles before and from PostgreSQL 18. recorded_at is the
// transaction's now(), so the look-up names the one partition; planned with the value known, the others are not even locked.
function guard(schema: string, name: string, id: string): string {
  return `create or replace function ${schema}.feed_guard_${id}() returns trigger
language plpgsql security definer set search_path = ${schema}, pg_temp set plan_cache_mode = 'force_custom_plan' as $guard$
declare
  recorded timestamptz := now();
  changed_id uuid;
  changed_version bigint;
begin
  if tg_op = 'DELETE' then
    changed_id := old."${id}";
    changed_version := old.version + 1;
  else
    changed_id := new."${id}";
    changed_version := new.version;
  end if;
  if not exists (
    select from ${schema}.feed
    where recorded_at = recorded and resource_id = changed_id and resource_version = changed_version and xid = pg_current_xact_id()
  ) then
    raise exception using errcode = '23514', constraint = 'change_has_feed_row', schema = '${name}', table = tg_table_name,
      message = format('%s of %s %s v%s has no feed row', lower(tg_op), tg_table_name, changed_id, changed_version);
  end if;
  return null;
end
$guard$;
--> statement-breakpoint
revoke execute on function ${schema}.feed_guard_${id}() from public;`;
}

function guardTriggers(schema: string, audited: AuditedTable): string {
  const table = `${schema}.${quoteName(audited.table)}`;
  const id = idColumnOf(audited);
  return `drop trigger if exists version_moves_by_one on ${table};
--> statement-breakpoint
create trigger version_moves_by_one before update on ${table} for each row execute function ${schema}.feed_version_rule_${id}();
--> statement-breakpoint
drop trigger if exists change_has_feed_row on ${table};
--> statement-breakpoint
create constraint trigger change_has_feed_row after insert or update or delete on ${table} deferrable initially deferred
  for each row execute function ${schema}.feed_guard_${id}();`;
}

// The roles exist before the first migration (architecture.md 7.3); without them, as in a scratch database, nothing is granted.
function grants(schema: string, name: string): string {
  return `revoke execute on function ${schema}.feed_make_partitions(integer) from public;
--> statement-breakpoint
do $grant$
begin
  if to_regrole('${name}_app') is null then return; end if;
  execute 'grant select, insert, update, delete on ${schema}.feed to ${name}_app';
  execute 'grant execute on function ${schema}.feed_make_partitions(integer) to ${name}_app';
end
$grant$;`;
}
