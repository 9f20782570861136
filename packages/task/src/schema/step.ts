import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { at, id, task as schema } from './context.js';
import { task } from './task.js';

/** One step: the frozen plan of it and how far it is, forward and back. Its id is the operation's on the wire. Row-level security by tenant. */
export const step = schema.table(
  'step',
  {
    id: id(),
    taskId: uuid('task_id').notNull(),
    key: text('key').notNull(),
    ordinal: smallint('ordinal').notNull(),
    kind: text('kind').notNull(),
    service: text('service').notNull(),
    action: text('action').notNull(),
    contract: smallint('contract').notNull().default(1),
    undo: text('undo').notNull().default('action'),
    pivot: boolean('pivot').notNull().default(false),
    destructive: boolean('destructive').notNull().default(false),
    onFailure: text('on_failure').notNull().default('unwind'),
    weight: smallint('weight').notNull().default(1),
    policy: jsonb('policy').notNull(),
    inputTpl: jsonb('input_tpl').notNull(),
    undoTpl: jsonb('undo_tpl'),
    // Resolved and frozen at attempt 1: every retry sends the same bytes.
    input: jsonb('input'),
    output: jsonb('output'),
    error: jsonb('error'),
    state: text('state').notNull().default('blocked'),
    undoState: text('undo_state').notNull().default('idle'),
    needs: text('needs')
      .array()
      .notNull()
      .default(sql`'{}'`),
    tainted: boolean('tainted').notNull().default(false),
    // The fencing tokens of the two directions.
    attempt: integer('attempt').notNull().default(0),
    undoAttempt: integer('undo_attempt').notNull().default(0),
    // Silences in a row; then what counts against the budget of the policy since a person gave it anew.
    unknowns: integer('unknowns').notNull().default(0),
    tries: integer('tries').notNull().default(0),
    conflicts: integer('conflicts').notNull().default(0),
    dispatchedAt: at('dispatched_at'),
    acceptedAt: at('accepted_at'),
    beatAt: at('beat_at'),
    finishedAt: at('finished_at'),
    holder: text('holder'),
    progress: smallint('progress').notNull().default(0),
    note: text('note'),
  },
  (t) => [
    foreignKey({ name: 'step_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
    unique('step_key_once_a_task').on(t.taskId, t.key),
    unique('step_ordinal_once_a_task').on(t.taskId, t.ordinal),
    check('step_key', sql`key ~ '^[a-z][a-z0-9_.-]{0,63}$'`),
    check('step_kind_known', sql`kind in ('command', 'wait', 'child')`),
    check('step_undo_known', sql`undo in ('action', 'fence', 'none')`),
    check('step_on_failure_known', sql`on_failure in ('unwind', 'hold', 'continue')`),
    check(
      'step_state_known',
      sql`state in ('blocked', 'ready', 'dispatched', 'accepted', 'retry_wait', 'succeeded', 'failed', 'skipped')`,
    ),
    check(
      'step_undo_state_known',
      sql`undo_state in ('idle', 'pending', 'ready', 'dispatched', 'accepted', 'retry_wait', 'done', 'failed', 'waived')`,
    ),
    check('step_counters_fit', sql`weight >= 0 and attempt >= 0 and undo_attempt >= 0 and progress between 0 and 100`),
    check('step_undo_has_template', sql`undo <> 'action' or undo_tpl is not null`),
    // One whose input cannot be filled in fails without having been sent.
    check('step_ran_was_sent', sql`attempt > 0 or state in ('blocked', 'ready', 'skipped', 'failed')`),
    check('step_sent_has_input', sql`attempt = 0 or input is not null`),
    index('step_live')
      .on(t.state, t.dispatchedAt)
      .where(sql`state in ('ready', 'dispatched', 'accepted', 'retry_wait')`),
    index('step_undo_open')
      .on(t.undoState)
      .where(sql`undo_state in ('pending', 'ready', 'dispatched', 'accepted', 'retry_wait', 'failed')`),
  ],
);

/** One row a command sent; closed once. A second dispatch of the same attempt cannot commit. */
export const attempt = schema.table(
  'attempt',
  {
    stepId: uuid('step_id').notNull(),
    dir: text('dir').notNull(),
    attempt: integer('attempt').notNull(),
    messageId: text('message_id').notNull(),
    dispatchedAt: at('dispatched_at').notNull().defaultNow(),
    acceptedAt: at('accepted_at'),
    finishedAt: at('finished_at'),
    outcome: text('outcome'),
    class: text('class'),
    code: text('code'),
    detail: jsonb('detail'),
    instance: text('instance'),
  },
  (t) => [
    primaryKey({ name: 'attempt_once', columns: [t.stepId, t.dir, t.attempt] }),
    foreignKey({ name: 'attempt_step_exists', columns: [t.stepId], foreignColumns: [step.id] }).onDelete('cascade'),
    unique('attempt_message_once').on(t.messageId),
    check('attempt_dir_known', sql`dir in ('do', 'undo')`),
    check('attempt_counts', sql`attempt > 0`),
    check(
      'attempt_outcome_known',
      sql`outcome in ('succeeded', 'undone', 'failed', 'timeout', 'superseded', 'fenced')`,
    ),
    check(
      'attempt_class_known',
      sql`class in ('transient', 'throttled', 'conflict', 'permanent', 'invalid', 'unknown')`,
    ),
    check('attempt_end_has_outcome', sql`(finished_at is null) = (outcome is null)`),
  ],
);

/** Live timers only: rows go when they fire or become moot. */
export const timer = schema.table(
  'timer',
  {
    ownerId: uuid('owner_id').notNull(),
    kind: text('kind').notNull(),
    taskId: uuid('task_id').notNull(),
    dir: text('dir').notNull().default('do'),
    attempt: integer('attempt').notNull().default(0),
    dueAt: at('due_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'timer_once', columns: [t.ownerId, t.dir, t.kind] }),
    foreignKey({ name: 'timer_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
    check('timer_kind_known', sql`kind in ('ack', 'beat', 'attempt', 'total', 'retry', 'deadline', 'wake')`),
    check('timer_dir_known', sql`dir in ('do', 'undo')`),
    index('timer_due').on(t.dueAt),
    index('timer_by_task').on(t.taskId),
  ],
);

/** What came from outside for a wait step, also before the step was there. */
export const signal = schema.table(
  'signal',
  {
    id: id(),
    taskId: uuid('task_id').notNull(),
    name: text('name').notNull(),
    messageId: text('message_id').notNull(),
    data: jsonb('data').notNull().default({}),
    receivedAt: at('received_at').notNull().defaultNow(),
    consumedBy: uuid('consumed_by'),
  },
  (t) => [
    foreignKey({ name: 'signal_task_exists', columns: [t.taskId], foreignColumns: [task.id] }).onDelete('cascade'),
    unique('signal_message_once').on(t.taskId, t.messageId),
    index('signal_open')
      .on(t.taskId, t.name, t.receivedAt)
      .where(sql`consumed_by is null`),
  ],
);
