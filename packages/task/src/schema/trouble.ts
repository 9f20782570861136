import { sql } from 'drizzle-orm';
import { check, customType, index, integer, jsonb, smallint, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { at, count, id, task as schema } from './context.js';

const bytea = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });

/** What needs a person: a message that cannot be read or sent, an undo that failed. */
export const deadLetter = schema.table(
  'dead_letter',
  {
    id: id(),
    origin: text('origin').notNull(),
    taskId: uuid('task_id'),
    stepId: uuid('step_id'),
    subject: text('subject'),
    messageId: text('message_id'),
    deliveries: integer('deliveries').notNull().default(0),
    body: jsonb('body'),
    raw: bytea('raw'),
    error: jsonb('error').notNull(),
    state: text('state').notNull().default('open'),
    firstAt: at('first_at').notNull().defaultNow(),
    lastAt: at('last_at').notNull().defaultNow(),
    resolvedAt: at('resolved_at'),
    resolvedBy: jsonb('resolved_by'),
    note: text('note'),
  },
  (t) => [
    check('dead_letter_origin_known', sql`origin in ('outbox', 'inbox', 'do', 'undo', 'timer', 'signal')`),
    check('dead_letter_state_known', sql`state in ('open', 'redriven', 'discarded')`),
    check('dead_letter_open_is_unresolved', sql`(state = 'open') = (resolved_at is null)`),
    index('dead_letter_open')
      .on(t.lastAt)
      .where(sql`state = 'open'`),
    uniqueIndex('dead_letter_once')
      .on(t.origin, t.messageId)
      .where(sql`message_id is not null and state = 'open'`),
  ],
);

/** What a task cannot settle; drift is inventory's. */
export const finding = schema.table(
  'finding',
  {
    id: id(),
    kind: text('kind').notNull(),
    service: text('service').notNull(),
    subject: text('subject').notNull(),
    taskId: uuid('task_id'),
    expected: jsonb('expected'),
    observed: jsonb('observed'),
    generation: count('generation'),
    state: text('state').notNull().default('suspect'),
    seen: smallint('seen').notNull().default(1),
    firstAt: at('first_at').notNull().defaultNow(),
    lastAt: at('last_at').notNull().defaultNow(),
    repairTaskId: uuid('repair_task_id'),
    resolvedAt: at('resolved_at'),
    // A person; null where it was a scan that found it settled.
    decidedBy: jsonb('decided_by'),
    note: text('note'),
  },
  (t) => [
    check('finding_state_known', sql`state in ('suspect', 'open', 'repairing', 'resolved', 'accepted')`),
    uniqueIndex('finding_live_once')
      .on(t.kind, t.service, t.subject)
      .where(sql`state in ('suspect', 'open', 'repairing')`),
  ],
);
