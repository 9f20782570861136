import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import {
  createdAt,
  emptyList,
  emptyObject,
  id,
  instant,
  inventory,
  shuffled,
  since,
  updatedAt,
  version,
} from './context.js';
import { kind, trait } from './kind.js';

/** What a version of a node says; the versions that were are kept in node_past. */
export const nodeFacts = () => ({
  kind: text('kind').notNull(),
  name: text('name'),
  /** True where a name was claimed through the API; imported names may repeat under one parent, as in the source. */
  nameExclusive: boolean('name_exclusive').notNull().default(false),
  parentId: uuid('parent_id'),
  tenantId: uuid('tenant_id'),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  traits: text('traits').array().notNull().default(emptyList),
  labels: jsonb('labels').notNull().default(emptyObject),
  intent: text('intent').notNull().default('in_service'),
  state: text('state').notNull().default('available'),
  /** Null: as its kind says. */
  cleaningSeconds: integer('cleaning_seconds'),
  scrubs: boolean('scrubs'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/**
 * Every thing of the graph. Containment is the tree column: ancestors and subtrees are walked by recursion over
 * node_by_parent. A stored path or closure would turn the move of a rack into a rewrite of everything in it, and every
 * rewritten row would have to move its version; the walk costs one index probe a node instead.
 */
export const node = inventory.table(
  'node',
  {
    id: id(),
    ...nodeFacts(),
  },
  (t) => [
    foreignKey({ name: 'node_kind_exists', columns: [t.kind], foreignColumns: [kind.key] }),
    foreignKey({ name: 'node_parent_exists', columns: [t.parentId], foreignColumns: [t.id] }),
    check('node_not_its_own_parent', sql`${t.parentId} <> ${t.id}`),
    check('node_intent_known', sql`${t.intent} in ('in_service', 'no_provision', 'drain', 'expunged')`),
    check(
      'node_state_known',
      sql`${t.state} in ('planned', 'staged', 'available', 'allocated', 'releasing', 'scrubbing', 'quarantined', 'failed', 'retired', 'provisioning', 'removing')`,
    ),
    check('node_cleaning_in_bounds', sql`${t.cleaningSeconds} between 0 and 2592000`),
    check('node_labels_are_an_object', sql`jsonb_typeof(${t.labels}) = 'object'`),
    check('node_attributes_are_an_object', sql`jsonb_typeof(${t.attributes}) = 'object'`),
    index('node_by_parent').on(t.parentId, t.id),
    // Whose things lie below: the way down to what a tenant sees, retired ones too.
    index('node_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null`),
    index('node_by_kind').on(t.kind, t.id),
    // The walk of a placement that wants whole nodes.
    index('node_shuffled').on(t.kind, shuffled(t.id)),
    // What is being scrubbed: asked by the timer, and few.
    index('node_by_scrubbing')
      .on(t.id)
      .where(sql`${t.state} = 'scrubbing'`),
    // What has failed or is gone: asked by who heals, and few.
    index('node_by_failure')
      .on(t.id)
      .where(sql`${t.state} = 'failed' or ${t.intent} = 'expunged'`),
    // Names byte by byte: equality, prefixes and the order of a list need one index, whatever the database's collation.
    index('node_by_name').on(sql`coalesce(name, '') collate "C"`, t.id),
    index('node_by_created').on(t.createdAt, t.id),
    index('node_by_labels').using('gin', t.labels.op('jsonb_path_ops')),
    uniqueIndex('node_name_once_among_siblings')
      .on(sql`coalesce(${t.parentId}, '00000000-0000-0000-0000-000000000000'::uuid)`, t.kind, t.name)
      .where(sql`${t.nameExclusive} and ${t.state} <> 'retired'`),
  ],
);

/**
 * The traits of nodes that are not retired, kept by the trigger node_keeps_its_traits: a trait is registered before a node has it,
 * and stays while one does.
 */
export const nodeTrait = inventory.table(
  'node_trait',
  { trait: text('trait').notNull(), nodeId: uuid('node_id').notNull() },
  (t) => [
    primaryKey({ name: 'node_trait_once', columns: [t.trait, t.nodeId] }),
    foreignKey({ name: 'node_trait_is_registered', columns: [t.trait], foreignColumns: [trait.key] }),
    foreignKey({ name: 'node_trait_of_its_node', columns: [t.nodeId], foreignColumns: [node.id] }),
    index('node_trait_by_node').on(t.nodeId),
  ],
);

/**
 * The versions of nodes, one row a change, copied from the feed by the trigger feed_keeps_node_history: the feed itself is
 * dropped by the day. Bookkeeping.
 */
export const nodeHistory = inventory.table(
  'node_history',
  {
    nodeId: uuid('node_id').notNull(),
    version: bigint('version', { mode: 'number' }).notNull(),
    type: text('type').notNull(),
    recordedAt: instant('recorded_at').notNull(),
    principalId: text('principal_id'),
    principalType: text('principal_type'),
    /** The node as the contract showed it after the change. */
    state: jsonb('state'),
  },
  (t) => [primaryKey({ name: 'node_history_once_a_version', columns: [t.nodeId, t.version] })],
);

/**
 * What sources call our resources, of any type, each key once per source. It belongs to the resource that it names and
 * changes with its version, so it has none of its own.
 */
export const externalId = inventory.table(
  'external_id',
  {
    source: text('source').notNull(),
    externalId: text('external_id').notNull(),
    resourceType: text('resource_type').notNull(),
    resourceId: uuid('resource_id').notNull(),
    since: since(),
  },
  (t) => [
    primaryKey({ name: 'external_id_once_per_source', columns: [t.source, t.externalId] }),
    index('external_id_by_resource').on(t.resourceId),
    check(
      'external_id_type_known',
      sql`${t.resourceType} in ('node', 'edge', 'addressSpace', 'addressBlock', 'addressRange', 'address', 'numberDomain', 'numberRange', 'number', 'rackReservation', 'deviceType')`,
    ),
  ],
);

/**
 * How often a provider (node, address space, block, number domain) was taken from, and the highest fence it gave. Taking
 * is no change of the provider, so this lives beside it. Updating the row is also the lock that orders takers; it is
 * made on first use, by `insert … on conflict do update`.
 */
export const providerUse = inventory.table('provider_use', {
  providerId: uuid('provider_id').primaryKey(),
  fence: bigint('fence', { mode: 'number' }).notNull().default(0),
  useVersion: bigint('use_version', { mode: 'number' }).notNull().default(0),
});
