import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  foreignKey,
  index,
  inet,
  integer,
  jsonb,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { addressBlock, addressSpace } from './address.js';
import { resourceClass } from './capacity.js';
import {
  createdAt,
  emptyList,
  emptyObject,
  id,
  instant,
  int4range,
  inventory,
  tstzrange,
  updatedAt,
  version,
} from './context.js';
import { node } from './node.js';
import { numberDomain } from './number.js';

/**
 * Fences rise over everything that is given out: whoever takes a thing after another has committed its end gets a larger one,
 * and no row has to be locked for it.
 */
export const allocationFence = inventory.sequence('allocation_fence', { startWith: 1, increment: 1, cache: 1 });

/** One holder's claim on scarce things: reservation, allocation and lease are its states. Row-level security by tenant. */
export const allocation = inventory.table(
  'allocation',
  {
    id: id(),
    tenantId: uuid('tenant_id').notNull(),
    projectId: uuid('project_id'),
    scopeId: uuid('scope_id').notNull(),
    requestId: text('request_id').notNull(),
    consumerService: text('consumer_service').notNull(),
    consumerKind: text('consumer_kind').notNull(),
    consumerId: text('consumer_id').notNull(),
    state: text('state').notNull(),
    boundTaskId: uuid('bound_task_id'),
    ttlSeconds: integer('ttl_seconds'),
    maxTtlSeconds: integer('max_ttl_seconds'),
    onExpiry: text('on_expiry').notNull().default('release'),
    startsAt: instant('starts_at').notNull().defaultNow(),
    expiresAt: instant('expires_at'),
    endedAt: instant('ended_at'),
    /** How long before its end it is told of; when that is; and when it was. */
    noticeSeconds: integer('notice_seconds'),
    noticeAt: instant('notice_at'),
    noticedAt: instant('noticed_at'),
    /** Of a booking that could not begin: what it was refused with. */
    failure: jsonb('failure'),
    /** What was done to it when a node failed. */
    flags: text('flags').array().notNull().default(emptyList),
    labels: jsonb('labels').notNull().default(emptyObject),
    policyVersion: integer('policy_version'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique('allocation_request_once_per_tenant').on(t.tenantId, t.requestId),
    uniqueIndex('allocation_consumer_holds_once')
      .on(t.consumerId, t.consumerService, t.consumerKind, t.tenantId)
      .where(sql`${t.endedAt} is null`),
    check(
      'allocation_state_known',
      sql`${t.state} in ('booked', 'held', 'active', 'releasing', 'released', 'expired', 'failed')`,
    ),
    check(
      'allocation_ends_with_its_state',
      sql`(${t.endedAt} is null) = (${t.state} in ('booked', 'held', 'active', 'releasing'))`,
    ),
    check('allocation_on_expiry_known', sql`${t.onExpiry} in ('release', 'quarantine', 'notify')`),
    check(
      'allocation_ttl_in_bounds',
      sql`${t.ttlSeconds} between 1 and 31536000 and ${t.maxTtlSeconds} >= ${t.ttlSeconds}`,
    ),
    check('allocation_flags_known', sql`${t.flags} <@ array['resourcesChanged', 'missingResources']`),
    check('allocation_failure_is_told', sql`(${t.failure} is not null) = (${t.state} = 'failed')`),
    check('allocation_expires_after_it_starts', sql`${t.expiresAt} > ${t.startsAt}`),
    // What a consumer had. What it has is found by the index above, which who takes for it is never to find too long.
    index('allocation_ended_by_consumer')
      .on(t.consumerId)
      .where(sql`${t.endedAt} is not null`),
    index('allocation_by_created').on(t.createdAt, t.id),
    index('allocation_by_scope').on(t.scopeId, t.id),
    index('allocation_by_tenant').on(t.tenantId, t.id),
    index('allocation_by_project').on(t.projectId, t.id),
    // What of a scope is live (a delete), past its expiry (a full quota), or was held since an instant (use over time).
    index('allocation_by_tenant_end').on(t.tenantId, t.endedAt, t.expiresAt),
    index('allocation_by_project_end').on(t.projectId, t.endedAt, t.expiresAt),
    index('allocation_by_scope_end').on(t.scopeId, t.endedAt, t.expiresAt),
    check('allocation_notice_in_its_window', sql`${t.noticeAt} between ${t.startsAt} and ${t.expiresAt}`),
    // Whose end is to be announced next.
    index('allocation_by_notice')
      .on(t.noticeAt)
      .where(sql`${t.noticeAt} is not null and ${t.noticedAt} is null and ${t.endedAt} is null`),
    // Whose window begins next.
    index('allocation_by_start')
      .on(t.startsAt)
      .where(sql`${t.state} = 'booked'`),
    // What the sweeper asks: live and past its expiry.
    index('allocation_by_expiry')
      .on(t.expiresAt)
      .where(sql`${t.endedAt} is null and ${t.expiresAt} is not null`),
  ],
);

/**
 * One thing of an allocation: a part of it, changed with its version alone. The hand-written step adds EXCLUDE
 * allocation_item_node_held_once (node, occupied(during, cleaning_seconds) &&) over items that have not ended, or were cleaned after. Numbers and addresses are judged by
 * number_hold and address_hold, blocks by address_block (taken_block_id is the row it became), rack units by rack_claim,
 * capacity by the counter of its node and class.
 */
export const allocationItem = inventory.table(
  'allocation_item',
  {
    id: id(),
    allocationId: uuid('allocation_id').notNull(),
    tenantId: uuid('tenant_id').notNull(),
    ordinal: integer('ordinal').notNull(),
    what: text('what').notNull(),
    /** What it counts as in quotas and in use over time: `amount` units of this dimension. */
    dimension: text('dimension'),
    amount: bigint('amount', { mode: 'number' }).notNull().default(1),
    nodeId: uuid('node_id'),
    class: text('class'),
    domainId: uuid('domain_id'),
    number: bigint('number', { mode: 'number' }),
    spaceId: uuid('space_id'),
    /** The block that was asked: the parent of a taken block, the home of an address. */
    blockId: uuid('block_id'),
    address: inet('address'),
    takenBlockId: uuid('taken_block_id'),
    rackId: uuid('rack_id'),
    halfUnits: int4range('half_units'),
    face: text('face'),
    during: tstzrange('during').notNull(),
    /** How long after it nobody else has the thing: a node is cleaned. What nobody used is clean. */
    cleaningSeconds: integer('cleaning_seconds').notNull().default(0),
    /** When it came to be of the allocation: before its window begins, where that is booked. */
    takenAt: instant('taken_at').notNull().defaultNow(),
    fence: bigint('fence', { mode: 'number' }).notNull(),
    /** When the holder gave it back; it still counts until ended_at when it has to be scrubbed first. */
    releasedAt: instant('released_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    foreignKey({
      name: 'allocation_item_of_its_allocation',
      columns: [t.allocationId],
      foreignColumns: [allocation.id],
    }),
    foreignKey({ name: 'allocation_item_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    foreignKey({ name: 'allocation_item_class_exists', columns: [t.class], foreignColumns: [resourceClass.key] }),
    foreignKey({ name: 'allocation_item_domain_exists', columns: [t.domainId], foreignColumns: [numberDomain.id] }),
    foreignKey({ name: 'allocation_item_space_exists', columns: [t.spaceId], foreignColumns: [addressSpace.id] }),
    foreignKey({ name: 'allocation_item_block_exists', columns: [t.blockId], foreignColumns: [addressBlock.id] }),
    foreignKey({
      name: 'allocation_item_taken_block_exists',
      columns: [t.takenBlockId],
      foreignColumns: [addressBlock.id],
    }),
    foreignKey({ name: 'allocation_item_rack_exists', columns: [t.rackId], foreignColumns: [node.id] }),
    unique('allocation_item_ordinal_once').on(t.allocationId, t.ordinal),
    check(
      'allocation_item_what_known',
      sql`${t.what} in ('node', 'capacity', 'number', 'block', 'address', 'rack_units')`,
    ),
    check('allocation_item_cleaning_in_bounds', sql`${t.cleaningSeconds} between 0 and 31536000`),
    check('allocation_item_amount_counts', sql`${t.amount} >= 1`),
    check(
      'allocation_item_names_its_thing',
      sql`case ${t.what}
        when 'node' then ${t.nodeId} is not null
        when 'capacity' then ${t.nodeId} is not null and ${t.class} is not null
        when 'number' then ${t.domainId} is not null and ${t.number} is not null
        when 'block' then ${t.takenBlockId} is not null
        when 'address' then ${t.spaceId} is not null and ${t.address} is not null
        when 'rack_units' then ${t.rackId} is not null and ${t.halfUnits} is not null and ${t.face} is not null
      end`,
    ),
    index('allocation_item_by_node')
      .on(t.nodeId, t.allocationId)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is null`),
    // What has run out of a capacity: asked by every taker of it, and empty but for a moment.
    index('allocation_item_capacity_by_end')
      .on(t.nodeId, t.class, sql`upper(${t.during})`)
      .where(sql`${t.what} = 'capacity' and ${t.endedAt} is null`),
    // Who had a thing, by what was held: the live ones of a node are found by the index above.
    index('allocation_item_ended_by_node')
      .on(t.nodeId, t.endedAt)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is not null`),
    // Who has or had a node, a page at a time however many there were.
    index('allocation_item_had_by_node')
      .on(t.nodeId, t.allocationId)
      .where(sql`${t.nodeId} is not null`),
    index('allocation_item_by_number')
      .on(t.domainId, t.number)
      .where(sql`${t.number} is not null`),
    index('allocation_item_by_address')
      .on(t.spaceId, t.address)
      .where(sql`${t.address} is not null`),
    index('allocation_item_by_block')
      .on(t.blockId)
      .where(sql`${t.blockId} is not null and ${t.endedAt} is null`),
    index('allocation_item_by_taken_block')
      .on(t.takenBlockId)
      .where(sql`${t.takenBlockId} is not null`),
  ],
);
