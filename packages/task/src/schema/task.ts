import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { at, count, id, task as schema } from './context.js';

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });

/** Audited. One saga: what was asked, how far it is, how it ended. Row-level security by tenant. */
export const task = schema.table(
  'task',
  {
    id: id(),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    environmentId: uuid('environment_id'),
    kind: text('kind').notNull(),
    kindVersion: integer('kind_version').notNull(),
    planHash: bytea('plan_hash').notNull(),
    state: text('state').notNull().default('queued'),
    cause: text('cause'),
    // No state: while it is set answers are applied and nothing new is sent.
    hold: text('hold'),
    holdNote: text('hold_note'),
    version: count('version').notNull().default(1),
    // Moves with creation, changes of state and what people ask: what audit's completeness counts.
    auditVersion: count('audit_version').notNull().default(1),
    priority: smallint('priority').notNull().default(0),
    stepsTotal: smallint('steps_total').notNull(),
    stepsOpen: smallint('steps_open').notNull(),
    undoOpen: smallint('undo_open').notNull().default(0),
    pivotPassed: boolean('pivot_passed').notNull().default(false),
    progress: smallint('progress').notNull().default(0),
    note: text('note'),
    input: jsonb('input').notNull(),
    outputTpl: jsonb('output_tpl'),
    output: jsonb('output'),
    error: jsonb('error'),
    actor: jsonb('actor').notNull(),
    correlationId: uuid('correlation_id').notNull(),
    traceparent: text('traceparent'),
    parentTaskId: uuid('parent_task_id'),
    parentStepId: uuid('parent_step_id'),
    // Direction, index and attempt, under which its step has made it: `do:0:1`.
    parentPlace: text('parent_place'),
    deadlineAt: at('deadline_at'),
    createdAt: at('created_at').notNull().defaultNow(),
    startedAt: at('started_at'),
    updatedAt: at('updated_at').notNull().defaultNow(),
    finishedAt: at('finished_at'),
    expiresAt: at('expires_at'),
  },
  (t) => [
    foreignKey({ name: 'task_parent_exists', columns: [t.parentTaskId], foreignColumns: [t.id] }),
    check('task_kind', sql`kind ~ '^[a-z][a-z0-9]*(\\.[a-z][a-z0-9_]*)+$' and kind_version > 0`),
    check(
      'task_state_known',
      sql`state in ('queued', 'running', 'unwinding', 'stuck', 'succeeded', 'failed', 'cancelled', 'abandoned')`,
    ),
    check('task_cause_known', sql`cause in ('step_failed', 'cancelled', 'deadline', 'operator', 'dependency')`),
    check('task_hold_known', sql`hold in ('operator', 'policy', 'reconcile')`),
    check('task_version_counts', sql`version > 0 and audit_version between 1 and version`),
    check('task_priority', sql`priority between -100 and 100`),
    check('task_progress', sql`progress between 0 and 100`),
    check(
      'task_terminal_has_end',
      sql`(state in ('succeeded', 'failed', 'cancelled', 'abandoned')) = (finished_at is not null)`,
    ),
    check('task_unwinds_for_a_cause', sql`state not in ('unwinding', 'failed', 'cancelled') or cause is not null`),
    check('task_abandoned_with_note', sql`state <> 'abandoned' or note is not null`),
    check(
      'task_counters_fit',
      sql`steps_total > 0 and steps_open between 0 and steps_total and undo_open between 0 and steps_total`,
    ),
    check(
      'task_child_has_place',
      sql`(parent_task_id is null) = (parent_place is null) and (parent_step_id is null) = (parent_place is null)`,
    ),
    check('task_child_place', sql`parent_place ~ '^(do|undo):[0-9]+:[0-9]+$'`),
    // Children first: whoever waits for them holds what others want.
    index('task_queue')
      .on(t.tenantId, sql`(parent_task_id is null)`, t.priority.desc(), t.id)
      .where(sql`state = 'queued' and hold is null`),
    // Without `updated_at`: what most decisions change is in no index, so they stay in the page of the row.
    index('task_live')
      .on(t.state, t.id)
      .where(sql`finished_at is null`),
    // What keeps a scope from being deleted: found by the tenant, whatever lies in it.
    index('task_living')
      .on(t.tenantId, t.environmentId, t.projectId)
      .where(sql`finished_at is null`),
    index('task_by_tenant').on(t.tenantId, t.id.desc()),
    index('task_by_project')
      .on(t.projectId, t.id.desc())
      .where(sql`project_id is not null`),
    index('task_by_parent')
      .on(t.parentTaskId)
      .where(sql`parent_task_id is not null`),
    index('task_by_parent_step')
      .on(t.parentStepId)
      .where(sql`parent_step_id is not null`),
    index('task_expiry')
      .on(t.expiresAt)
      .where(sql`expires_at is not null`),
  ],
);

/** What people read about one task; `seq` is the task's version. Row-level security by tenant. */
export const event = schema.table(
  'event',
  {
    taskId: uuid('task_id').notNull(),
    seq: count('seq').notNull(),
    type: text('type').notNull(),
    stepKey: text('step_key'),
    data: jsonb('data').notNull().default({}),
    actor: jsonb('actor'),
    at: at('at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: 'event_once_a_version', columns: [t.taskId, t.seq] }),
    foreignKey({ name: 'event_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
  ],
);

/** The resources that a live task changes: one changing task each. Kept inactive, to be searched. */
export const claim = schema.table(
  'claim',
  {
    taskId: uuid('task_id').notNull(),
    resource: text('resource').notNull(),
    mode: text('mode').notNull(),
    active: boolean('active').notNull().default(true),
  },
  (t) => [
    primaryKey({ name: 'claim_once_a_task', columns: [t.taskId, t.resource] }),
    foreignKey({ name: 'claim_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
    check('claim_mode_known', sql`mode in ('exclusive', 'observe')`),
    uniqueIndex('claim_one_changing_task')
      .on(t.resource)
      .where(sql`active and mode = 'exclusive'`),
    index('claim_by_resource').on(t.resource, t.taskId.desc()),
  ],
);

/** Allocations that the task holds, by reference: inventory owns the truth. `bound` is inventory's held with boundTaskId. */
export const holding = schema.table(
  'holding',
  {
    taskId: uuid('task_id').notNull(),
    ref: text('ref').notNull(),
    kind: text('kind').notNull(),
    state: text('state').notNull(),
    updatedAt: at('updated_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ name: 'holding_once_a_task', columns: [t.taskId, t.ref] }),
    foreignKey({ name: 'holding_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
    check('holding_state_known', sql`state in ('held', 'bound', 'active', 'released')`),
    index('holding_open')
      .on(t.state, t.updatedAt)
      .where(sql`state in ('held', 'bound')`),
  ],
);
