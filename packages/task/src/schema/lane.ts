import { sql } from 'drizzle-orm';
import { boolean, check, doublePrecision, index, integer, jsonb, smallint, text, uuid } from 'drizzle-orm/pg-core';
import { at, count, task as schema } from './context.js';

/** Admission and fairness: one row a tenant. `max_running` is the projected limit task.running. */
export const lane = schema.table(
  'lane',
  {
    tenantId: uuid('tenant_id').primaryKey(),
    weight: smallint('weight').notNull().default(1),
    maxRunning: integer('max_running').notNull().default(20),
    queued: integer('queued').notNull().default(0),
    running: integer('running').notNull().default(0),
    vtime: doublePrecision('vtime').notNull().default(0),
  },
  (t) => [
    check('lane_counters_fit', sql`weight > 0 and max_running >= 0 and queued >= 0 and running >= 0`),
    index('lane_pick')
      .on(t.vtime)
      .where(sql`queued > 0`),
  ],
);

/** An operator's stop for everything that is sent to one service. */
export const serviceGate = schema.table('service_gate', {
  service: text('service').primaryKey(),
  paused: boolean('paused').notNull().default(false),
  note: text('note'),
  changedAt: at('changed_at').notNull().defaultNow(),
  changedBy: jsonb('changed_by'),
});

/** How far a scan of the reconciler is. */
export const scan = schema.table('scan', {
  name: text('name').primaryKey(),
  cursor: text('cursor'),
  startedAt: at('started_at'),
  finishedAt: at('finished_at'),
  rows: count('rows'),
  repaired: count('repaired'),
  error: jsonb('error'),
});
