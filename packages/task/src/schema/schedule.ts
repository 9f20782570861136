import { sql } from 'drizzle-orm';
import { boolean, check, foreignKey, index, jsonb, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { at, count, id, task as schema } from './context.js';

/** Audited. A task that is made again and again. Row-level security by tenant. */
export const schedule = schema.table(
  'schedule',
  {
    id: id(),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    environmentId: uuid('environment_id'),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    input: jsonb('input').notNull(),
    cron: text('cron').notNull(),
    tz: text('tz').notNull().default('UTC'),
    overlap: text('overlap').notNull().default('skip'),
    enabled: boolean('enabled').notNull().default(true),
    // Why the house has stopped it.
    held: jsonb('held'),
    // With the groups that its credential had: the rights of each run are theirs.
    owner: jsonb('owner').notNull(),
    version: count('version').notNull().default(1),
    createdAt: at('created_at').notNull().defaultNow(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [
    check('schedule_overlap_known', sql`overlap in ('skip', 'queue', 'allow')`),
    check('schedule_version_counts', sql`version > 0`),
    check('schedule_held_is_stopped', sql`held is null or not enabled`),
    index('schedule_by_tenant').on(t.tenantId, t.id),
    uniqueIndex('schedule_name_once_a_scope').on(
      t.tenantId,
      sql`coalesce(environment_id, project_id, tenant_id)`,
      t.name,
    ),
  ],
);

/** When a schedule is due and how its newest run went: its use, which moves no version. Row-level security by tenant. */
export const scheduleRun = schema.table(
  'schedule_run',
  {
    scheduleId: uuid('schedule_id').primaryKey(),
    // Null while the schedule is not enabled.
    nextAt: at('next_at'),
    lastAt: at('last_at'),
    lastOutcome: text('last_outcome'),
    lastTaskId: uuid('last_task_id'),
    lastProblem: jsonb('last_problem'),
  },
  (t) => [
    foreignKey({
      name: 'schedule_run_schedule_exists',
      columns: [t.scheduleId],
      foreignColumns: [schedule.id],
    }).onDelete('cascade'),
    check('schedule_run_outcome_known', sql`last_outcome in ('started', 'skipped', 'refused')`),
    index('schedule_run_due')
      .on(t.nextAt)
      .where(sql`next_at is not null`),
  ],
);
