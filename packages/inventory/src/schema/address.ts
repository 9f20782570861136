import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  cidr,
  foreignKey,
  index,
  inet,
  integer,
  jsonb,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, inventory, updatedAt, version } from './context.js';
import { node } from './node.js';

/** What a version of a space says. */
export const addressSpaceFacts = () => ({
  name: text('name').notNull(),
  nameExclusive: boolean('name_exclusive').notNull().default(false),
  /** How long an address or block given back rests before it is given again. */
  coolDownSeconds: integer('cool_down_seconds').notNull().default(0),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  tenantId: uuid('tenant_id'),
  endedAt: instant('ended_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** A routing table of its own: the same host in two spaces is two hosts. */
export const addressSpace = inventory.table(
  'address_space',
  {
    id: id(),
    ...addressSpaceFacts(),
  },
  (t) => [
    index('address_space_by_name')
      .on(sql`name collate "C"`, t.id)
      .where(sql`${t.endedAt} is null`),
    uniqueIndex('address_space_name_once')
      .on(t.name)
      .where(sql`${t.nameExclusive} and ${t.endedAt} is null`),
    index('address_space_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null and ${t.endedAt} is null`),
    check('address_space_cool_down_in_bounds', sql`${t.coolDownSeconds} between 0 and 31536000`),
  ],
);

/** What a version of a prefix says. */
export const addressBlockFacts = () => ({
  spaceId: uuid('space_id').notNull(),
  parentId: uuid('parent_id'),
  parentCidr: cidr('parent_cidr'),
  cidr: cidr('cidr').notNull(),
  isPool: boolean('is_pool').notNull().default(false),
  markUtilized: boolean('mark_utilized').notNull().default(false),
  status: text('status').notNull().default('active'),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  nodeId: uuid('node_id'),
  tenantId: uuid('tenant_id'),
  endedAt: instant('ended_at'),
  /** An ended block that was allocated cannot be given out again before this instant. */
  reusableAt: instant('reusable_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/**
 * A prefix. The hand-written step adds EXCLUDE address_block_siblings_never_overlap over (space, parent or space, cidr),
 * deferred only by change sets, which may hand a prefix from one owner to another inside one set.
 */
export const addressBlock = inventory.table(
  'address_block',
  {
    id: id(),
    ...addressBlockFacts(),
  },
  (t) => [
    foreignKey({ name: 'address_block_space_exists', columns: [t.spaceId], foreignColumns: [addressSpace.id] }),
    foreignKey({ name: 'address_block_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    // The target of address_block_parent_has_this_cidr, a deferrable key of the hand-written step.
    unique('address_block_as_its_children_see_it').on(t.spaceId, t.id, t.cidr),
    check('address_block_parent_is_complete', sql`(${t.parentId} is null) = (${t.parentCidr} is null)`),
    check('address_block_inside_its_parent', sql`${t.cidr} << ${t.parentCidr}`),
    check('address_block_status_named', sql`${t.status} ~ '^[a-z][a-z0-9_-]{0,62}$'`),
    index('address_block_by_parent')
      .on(t.parentId)
      .where(sql`${t.endedAt} is null`),
    // What was given back and rests: looked at beside the live ones whenever a free block is wanted.
    index('address_block_resting')
      .on(t.parentId)
      .where(sql`${t.reusableAt} is not null`),
    index('address_block_by_space')
      .on(t.spaceId, t.id)
      .where(sql`${t.endedAt} is null`),
    // The order of a list, of one space and of all.
    index('address_block_in_order')
      .on(t.spaceId, t.cidr, t.id)
      .where(sql`${t.endedAt} is null`),
    index('address_block_by_address')
      .on(t.cidr, t.id)
      .where(sql`${t.endedAt} is null`),
    index('address_block_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null and ${t.endedAt} is null`),
    index('address_block_by_node')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is null`),
  ],
);

/** Addresses taken out of what "next free" may give, whatever they are used for. */
export const addressRange = inventory.table(
  'address_range',
  {
    id: id(),
    spaceId: uuid('space_id').notNull(),
    firstHost: inet('first_host').notNull(),
    lastHost: inet('last_host').notNull(),
    attributes: jsonb('attributes').notNull().default(emptyObject),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    foreignKey({ name: 'address_range_space_exists', columns: [t.spaceId], foreignColumns: [addressSpace.id] }),
    check(
      'address_range_runs_upwards',
      sql`family(${t.firstHost}) = family(${t.lastHost}) and ${t.firstHost} <= ${t.lastHost} and masklen(${t.firstHost}) = masklen(host(${t.firstHost})::inet) and masklen(${t.lastHost}) = masklen(host(${t.lastHost})::inet)`,
    ),
    index('address_range_by_space')
      .on(t.spaceId, t.firstHost)
      .where(sql`${t.endedAt} is null`),
  ],
);

/** What a version of an address says. */
export const addressFacts = () => ({
  spaceId: uuid('space_id').notNull(),
  host: inet('host').notNull(),
  prefixLength: integer('prefix_length').notNull(),
  occupies: boolean('occupies').notNull().default(true),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  nodeId: uuid('node_id'),
  tenantId: uuid('tenant_id'),
  endedAt: instant('ended_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** A recorded address. With occupies false it is kept beside another of the same host, as sources without uniqueness have it. */
export const address = inventory.table(
  'address',
  {
    id: id(),
    ...addressFacts(),
  },
  (t) => [
    foreignKey({ name: 'address_space_exists', columns: [t.spaceId], foreignColumns: [addressSpace.id] }),
    foreignKey({ name: 'address_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('address_host_without_mask', sql`masklen(${t.host}) = masklen(host(${t.host})::inet)`),
    check('address_prefix_length_in_bounds', sql`${t.prefixLength} between 0 and masklen(${t.host})`),
    index('address_by_host')
      .on(t.spaceId, t.host, t.id)
      .where(sql`${t.endedAt} is null`),
    index('address_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null and ${t.endedAt} is null`),
    index('address_by_node')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is null`),
  ],
);

/**
 * Who occupies a host: a recorded address or an allocation item, never both. The key is the rule: unique per space while
 * held. `free_at` is infinity while held for good, the end of the lease plus the cool-down while held with a TTL, and the end
 * of the cool-down after a release. A taker replaces a row whose free_at has passed, so no sweep is needed to be right.
 * Bookkeeping: the fact is the address or the allocation.
 */
export const addressHold = inventory.table(
  'address_hold',
  {
    spaceId: uuid('space_id').notNull(),
    host: inet('host').notNull(),
    addressId: uuid('address_id'),
    itemId: uuid('item_id'),
    freeAt: instant('free_at')
      .notNull()
      .default(sql`'infinity'::timestamptz`),
  },
  (t) => [
    primaryKey({ name: 'address_held_once', columns: [t.spaceId, t.host] }),
    foreignKey({ name: 'address_hold_space_exists', columns: [t.spaceId], foreignColumns: [addressSpace.id] }),
    foreignKey({ name: 'address_hold_address_exists', columns: [t.addressId], foreignColumns: [address.id] }),
    check('address_hold_without_mask', sql`masklen(${t.host}) = masklen(host(${t.host})::inet)`),
    check('address_hold_has_one_holder', sql`num_nonnulls(${t.addressId}, ${t.itemId}) <= 1`),
    index('address_hold_by_address')
      .on(t.addressId)
      .where(sql`${t.addressId} is not null`),
    index('address_hold_by_item')
      .on(t.itemId)
      .where(sql`${t.itemId} is not null`),
  ],
);
