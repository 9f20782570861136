import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { addressBlockFacts, addressFacts, addressSpaceFacts } from './address.js';
import { emptyList, instant, inventory } from './context.js';
import { edgeFacts } from './edge.js';
import { nodeFacts } from './node.js';
import { numberDomainFacts, numberFacts } from './number.js';

/**
 * What rows were before they are as they are: one row a version that is no more, written by the trigger keeps_its_past, and
 * by nobody else. A version counts from its `updated_at` to `until_at`, the `updated_at` of the next one, so a thing that never
 * changed has no row here, and making one costs nothing. No foreign keys: the past stands whatever becomes of the rest. Bookkeeping.
 */
const past = () => ({ id: uuid('id').notNull(), untilAt: instant('until_at').notNull() });

export const nodePast = inventory.table('node_past', { ...past(), ...nodeFacts() }, (t) => [
  primaryKey({ name: 'node_past_once_a_version', columns: [t.id, t.version] }),
  index('node_past_by_parent').on(t.parentId, t.id),
  index('node_past_by_tenant')
    .on(t.tenantId)
    .where(sql`${t.tenantId} is not null`),
  index('node_past_by_name').on(sql`coalesce(name, '') collate "C"`, t.id),
  index('node_past_by_created').on(t.createdAt, t.id),
]);

export const edgePast = inventory.table('edge_past', { ...past(), ...edgeFacts() }, (t) => [
  primaryKey({ name: 'edge_past_once_a_version', columns: [t.id, t.version] }),
  index('edge_past_by_created').on(t.createdAt, t.id),
]);

/** Ends that an edge had, from `since` to `until_at`: they have no version of their own. */
export const edgeEndPast = inventory.table(
  'edge_end_past',
  {
    edgeId: uuid('edge_id').notNull(),
    edgeType: text('edge_type').notNull(),
    side: text('side').notNull(),
    ordinal: integer('ordinal').notNull(),
    nodeId: uuid('node_id').notNull(),
    since: instant('since').notNull(),
    untilAt: instant('until_at').notNull(),
  },
  (t) => [
    index('edge_end_past_by_edge').on(t.edgeId, t.untilAt),
    index('edge_end_past_by_node').on(t.nodeId, t.untilAt),
  ],
);

export const addressSpacePast = inventory.table('address_space_past', { ...past(), ...addressSpaceFacts() }, (t) => [
  primaryKey({ name: 'address_space_past_once_a_version', columns: [t.id, t.version] }),
  index('address_space_past_by_tenant')
    .on(t.tenantId)
    .where(sql`${t.tenantId} is not null`),
]);

export const addressBlockPast = inventory.table('address_block_past', { ...past(), ...addressBlockFacts() }, (t) => [
  primaryKey({ name: 'address_block_past_once_a_version', columns: [t.id, t.version] }),
  index('address_block_past_by_parent').on(t.parentId),
  // What lay at the top of a space, or in a prefix: the way down to who had an address.
  index('address_block_past_by_home').on(t.spaceId, sql`coalesce(parent_id, space_id)`),
  index('address_block_past_in_order').on(t.spaceId, t.cidr, t.id),
  index('address_block_past_by_address').on(t.cidr, t.id),
  index('address_block_past_by_tenant')
    .on(t.tenantId)
    .where(sql`${t.tenantId} is not null`),
  index('address_block_past_by_node')
    .on(t.nodeId)
    .where(sql`${t.nodeId} is not null`),
]);

export const addressPast = inventory.table('address_past', { ...past(), ...addressFacts() }, (t) => [
  primaryKey({ name: 'address_past_once_a_version', columns: [t.id, t.version] }),
  index('address_past_by_host').on(t.spaceId, t.host, t.id),
  index('address_past_by_tenant')
    .on(t.tenantId)
    .where(sql`${t.tenantId} is not null`),
  index('address_past_by_node')
    .on(t.nodeId)
    .where(sql`${t.nodeId} is not null`),
]);

export const numberDomainPast = inventory.table('number_domain_past', { ...past(), ...numberDomainFacts() }, (t) => [
  primaryKey({ name: 'number_domain_past_once_a_version', columns: [t.id, t.version] }),
  index('number_domain_past_by_node')
    .on(t.nodeId)
    .where(sql`${t.nodeId} is not null`),
]);

export const numberPast = inventory.table('number_past', { ...past(), ...numberFacts() }, (t) => [
  primaryKey({ name: 'number_past_once_a_version', columns: [t.id, t.version] }),
  index('number_past_by_value').on(t.domainId, t.value, t.id),
  index('number_past_by_tenant')
    .on(t.tenantId)
    .where(sql`${t.tenantId} is not null`),
  index('number_past_by_node')
    .on(t.nodeId)
    .where(sql`${t.nodeId} is not null`),
]);

/** Keys that named another resource, or none any more. */
export const externalIdPast = inventory.table(
  'external_id_past',
  {
    source: text('source').notNull(),
    externalId: text('external_id').notNull(),
    resourceType: text('resource_type').notNull(),
    resourceId: uuid('resource_id').notNull(),
    since: instant('since').notNull(),
    untilAt: instant('until_at').notNull(),
  },
  (t) => [
    index('external_id_past_by_resource').on(t.resourceId, t.untilAt),
    index('external_id_past_by_key').on(t.source, t.externalId),
  ],
);

/**
 * What changes of an allocation while it lives. Whose it is, what for and since when never does, so the row has it; its items
 * say themselves from when to when they counted. Row-level security by tenant.
 */
export const allocationPast = inventory.table(
  'allocation_past',
  {
    allocationId: uuid('allocation_id').notNull(),
    tenantId: uuid('tenant_id').notNull(),
    untilAt: instant('until_at').notNull(),
    state: text('state').notNull(),
    boundTaskId: uuid('bound_task_id'),
    ttlSeconds: integer('ttl_seconds'),
    maxTtlSeconds: integer('max_ttl_seconds'),
    onExpiry: text('on_expiry').notNull(),
    startsAt: instant('starts_at').notNull(),
    expiresAt: instant('expires_at'),
    endedAt: instant('ended_at'),
    noticeSeconds: integer('notice_seconds'),
    noticeAt: instant('notice_at'),
    noticedAt: instant('noticed_at'),
    failure: jsonb('failure'),
    flags: text('flags').array().notNull().default(emptyList),
    labels: jsonb('labels').notNull(),
    policyVersion: integer('policy_version'),
    version: integer('version').notNull(),
    updatedAt: instant('updated_at').notNull(),
  },
  (t) => [primaryKey({ name: 'allocation_past_once_a_version', columns: [t.allocationId, t.version] })],
);

/** Fences that items had before a booking of theirs began or was moved. Row-level security by tenant. */
export const allocationItemPast = inventory.table(
  'allocation_item_past',
  {
    itemId: uuid('item_id').notNull(),
    tenantId: uuid('tenant_id').notNull(),
    fence: bigint('fence', { mode: 'number' }).notNull(),
    untilAt: instant('until_at').notNull(),
  },
  (t) => [primaryKey({ name: 'allocation_item_past_once_a_fence', columns: [t.itemId, t.fence] })],
);

/** One row: before this instant changes left no trace. */
export const pastBegins = inventory.table('past_begins', { at: instant('at').primaryKey().defaultNow() });
