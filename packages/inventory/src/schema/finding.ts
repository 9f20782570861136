import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, instant, inventory, updatedAt, version } from './context.js';
import { node } from './node.js';

/** The newest that each source has told of a node, at most sixteen sources a node. Bookkeeping: seeing is no change of what is seen. */
export const observation = inventory.table(
  'observation',
  {
    id: id(),
    nodeId: uuid('node_id').notNull(),
    source: text('source').notNull(),
    generation: bigint('generation', { mode: 'number' }).notNull(),
    state: text('state'),
    attributes: jsonb('attributes'),
    specHash: text('spec_hash'),
    observedAt: instant('observed_at').notNull(),
    receivedAt: instant('received_at').notNull().defaultNow(),
  },
  (t) => [
    foreignKey({ name: 'observation_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    unique('observation_once_a_source').on(t.nodeId, t.source),
    index('observation_by_source').on(t.source, t.id),
  ],
);

/** Where what was seen differs from what is intended: written before anything is done about it. */
export const finding = inventory.table(
  'finding',
  {
    id: id(),
    kind: text('kind').notNull(),
    state: text('state').notNull(),
    source: text('source').notNull(),
    resource: text('resource').notNull(),
    nodeId: uuid('node_id'),
    /** Whose it was when it was found: what was seen of a thing is not shown to whom it goes to later. */
    tenantId: uuid('tenant_id'),
    allocationId: uuid('allocation_id'),
    taskId: uuid('task_id'),
    stepId: uuid('step_id'),
    generation: bigint('generation', { mode: 'number' }).notNull(),
    differences: jsonb('differences').notNull(),
    /** Of this generation. */
    firstSeenAt: instant('first_seen_at').notNull(),
    note: text('note'),
    decidedBy: jsonb('decided_by'),
    resolution: text('resolution'),
    resolvedAt: instant('resolved_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    foreignKey({ name: 'finding_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('finding_kind_known', sql`${t.kind} in ('missing', 'foreign', 'drift', 'orphan')`),
    check('finding_state_known', sql`${t.state} in ('suspect', 'open', 'repairing', 'accepted', 'resolved')`),
    check('finding_resolved_once', sql`(${t.state} = 'resolved') = (${t.resolvedAt} is not null)`),
    // Also the way to all of a source that wait for their end.
    uniqueIndex('finding_once_a_resource')
      .on(t.source, t.resource)
      .where(sql`${t.state} <> 'resolved'`),
    index('finding_unresolved')
      .on(t.id)
      .where(sql`${t.state} <> 'resolved'`),
    // What is kept for half a year, the oldest first.
    index('finding_by_end')
      .on(t.resolvedAt)
      .where(sql`${t.state} = 'resolved'`),
    index('finding_by_node')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null`),
    index('finding_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null`),
  ],
);

/** How often a finding was seen as it is, and when last. Bookkeeping: a pass that sees the same again tells nothing new. */
export const findingSighting = inventory.table(
  'finding_sighting',
  {
    findingId: uuid('finding_id').notNull(),
    sightings: integer('sightings').notNull(),
    lastSeenAt: instant('last_seen_at').notNull(),
  },
  (t) => [
    primaryKey({ name: 'finding_sighting_once', columns: [t.findingId] }),
    foreignKey({ name: 'finding_sighting_of_its_finding', columns: [t.findingId], foreignColumns: [finding.id] }),
  ],
);
