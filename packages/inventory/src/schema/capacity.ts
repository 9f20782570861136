import { sql } from 'drizzle-orm';
import { bigint, check, foreignKey, index, integer, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, inventory, shuffled, updatedAt, version } from './context.js';
import { node } from './node.js';

const amount = (name: string) => bigint(name, { mode: 'number' }).notNull();

/** What capacity is measured in. Classes are data: a migration ships the base set, and more are made at runtime. The id is for the feed alone. */
export const resourceClass = inventory.table(
  'resource_class',
  {
    id: uuid('id').notNull().unique('resource_class_id_once').defaultRandom(),
    key: text('key').primaryKey(),
    title: text('title').notNull(),
    unit: text('unit').notNull(),
    /** What quotas and use over time count it as. */
    dimension: text('dimension').notNull(),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [check('resource_class_key_is_camel_case', sql`${t.key} ~ '^[a-z][A-Za-z0-9]{0,62}$'`)],
);

/**
 * What a node has to give of one class, and its counter. The offer is a part of the node: an edit moves the node's version.
 * The counter moves with every taking, and its row is the lock that orders takers. Two hand-written steps add the trigger
 * capacity_never_grown_over_cap and the settings of a row that changes often.
 */
export const capacity = inventory.table(
  'capacity',
  {
    nodeId: uuid('node_id').notNull(),
    class: text('class').notNull(),
    total: amount('total'),
    heldBack: amount('held_back').default(0),
    overcommitPct: integer('overcommit_pct').notNull().default(100),
    minUnit: amount('min_unit').default(1),
    maxUnit: amount('max_unit'),
    step: amount('step').default(1),
    /** Stored and not generated: a BEFORE trigger cannot read a generated column. */
    cap: amount('cap'),
    used: amount('used').default(0),
    /** What items take whose allocation is booked: theirs is a window to come. */
    booked: amount('booked').default(0),
    overBy: amount('over_by').default(0),
    useVersion: amount('use_version').default(0),
  },
  (t) => [
    primaryKey({ name: 'capacity_once_per_class', columns: [t.nodeId, t.class] }),
    // The walk of a placement: who offers a class, from anywhere in no order of theirs.
    index('capacity_shuffled').on(t.class, shuffled(t.nodeId)),
    foreignKey({ name: 'capacity_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    foreignKey({ name: 'capacity_class_exists', columns: [t.class], foreignColumns: [resourceClass.key] }),
    check('capacity_total_in_bounds', sql`${t.total} between 1 and 1000000000000`),
    check('capacity_held_back_of_total', sql`${t.heldBack} between 0 and ${t.total}`),
    check('capacity_overcommit_in_bounds', sql`${t.overcommitPct} between 1 and 10000`),
    check('capacity_units_in_bounds', sql`${t.minUnit} >= 1 and ${t.step} >= 1 and ${t.maxUnit} >= ${t.minUnit}`),
    check('capacity_cap_follows_total', sql`${t.cap} = (${t.total} - ${t.heldBack}) * ${t.overcommitPct} / 100`),
    check('capacity_counts', sql`${t.used} >= 0 and ${t.booked} >= 0 and ${t.overBy} >= 0`),
    check('capacity_used_within_cap', sql`${t.used} <= ${t.cap} + ${t.overBy}`),
  ],
);
