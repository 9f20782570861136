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
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, emptyObject, id, instant, int8range, inventory, updatedAt, version } from './context.js';
import { node } from './node.js';

/** What a version of a domain says. */
export const numberDomainFacts = () => ({
  name: text('name').notNull(),
  nameExclusive: boolean('name_exclusive').notNull().default(false),
  kind: text('kind').notNull(),
  /** False: numbers are recorded here but never given out, and may repeat. */
  pooled: boolean('pooled').notNull().default(true),
  coolDownSeconds: integer('cool_down_seconds').notNull().default(0),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  nodeId: uuid('node_id'),
  endedAt: instant('ended_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** Where a number means one thing: a VLAN group, a fabric's VNIs, an organisation's ASNs. */
export const numberDomain = inventory.table(
  'number_domain',
  {
    id: id(),
    ...numberDomainFacts(),
  },
  (t) => [
    foreignKey({ name: 'number_domain_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('number_domain_kind_named', sql`${t.kind} ~ '^[a-z][a-z0-9-]{0,62}$'`),
    check('number_domain_cool_down_in_bounds', sql`${t.coolDownSeconds} between 0 and 31536000`),
    unique('number_domain_as_its_numbers_see_it').on(t.id, t.kind),
    index('number_domain_by_name')
      .on(sql`name collate "C"`, t.id)
      .where(sql`${t.endedAt} is null`),
    uniqueIndex('number_domain_name_once')
      .on(t.name)
      .where(sql`${t.nameExclusive} and ${t.endedAt} is null`),
    index('number_domain_by_node')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is null`),
  ],
);

/** Numbers that a pooled domain may give. The hand-written step adds EXCLUDE number_ranges_never_overlap, deferrable. */
export const numberRange = inventory.table(
  'number_range',
  {
    id: id(),
    domainId: uuid('domain_id').notNull(),
    domainKind: text('domain_kind').notNull(),
    numbers: int8range('numbers').notNull(),
    attributes: jsonb('attributes').notNull().default(emptyObject),
    endedAt: instant('ended_at'),
    version: version(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    foreignKey({
      name: 'number_range_of_its_domain',
      columns: [t.domainId, t.domainKind],
      foreignColumns: [numberDomain.id, numberDomain.kind],
    }).onUpdate('cascade'),
    check(
      'number_range_not_empty',
      sql`not isempty(${t.numbers}) and lower(${t.numbers}) >= 0 and upper(${t.numbers}) <= 4294967296`,
    ),
    check('number_range_vlan_in_bounds', sql`${t.domainKind} <> 'vlan' or ${t.numbers} <@ int8range(1, 4095)`),
    index('number_range_by_domain')
      .on(t.domainId, t.id)
      .where(sql`${t.endedAt} is null`),
    // The order of a list by the first number, of one domain and of all.
    index('number_range_in_order')
      .on(t.domainId, sql`lower(numbers)`, t.id)
      .where(sql`${t.endedAt} is null`),
    index('number_range_by_start')
      .on(sql`lower(numbers)`, t.id)
      .where(sql`${t.endedAt} is null`),
  ],
);

/** What a version of a number says. */
export const numberFacts = () => ({
  domainId: uuid('domain_id').notNull(),
  domainKind: text('domain_kind').notNull(),
  value: bigint('value', { mode: 'number' }).notNull(),
  name: text('name'),
  occupies: boolean('occupies').notNull().default(true),
  attributes: jsonb('attributes').notNull().default(emptyObject),
  nodeId: uuid('node_id'),
  tenantId: uuid('tenant_id'),
  endedAt: instant('ended_at'),
  version: version(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** A recorded number (a VLAN with its name). With occupies false it repeats another of its domain. */
export const number = inventory.table(
  'number',
  {
    id: id(),
    ...numberFacts(),
  },
  (t) => [
    foreignKey({
      name: 'number_of_its_domain',
      columns: [t.domainId, t.domainKind],
      foreignColumns: [numberDomain.id, numberDomain.kind],
    }).onUpdate('cascade'),
    foreignKey({ name: 'number_node_exists', columns: [t.nodeId], foreignColumns: [node.id] }),
    check('number_in_bounds', sql`${t.value} between 0 and 4294967295`),
    check('number_vlan_in_bounds', sql`${t.domainKind} <> 'vlan' or ${t.value} between 1 and 4094`),
    index('number_by_value')
      .on(t.domainId, t.value, t.id)
      .where(sql`${t.endedAt} is null`),
    index('number_by_tenant')
      .on(t.tenantId)
      .where(sql`${t.tenantId} is not null and ${t.endedAt} is null`),
    index('number_by_node')
      .on(t.nodeId)
      .where(sql`${t.nodeId} is not null and ${t.endedAt} is null`),
  ],
);

/** Who occupies a number; the same rules as address_hold. */
export const numberHold = inventory.table(
  'number_hold',
  {
    domainId: uuid('domain_id').notNull(),
    domainKind: text('domain_kind').notNull(),
    value: bigint('value', { mode: 'number' }).notNull(),
    numberId: uuid('number_id'),
    itemId: uuid('item_id'),
    freeAt: instant('free_at')
      .notNull()
      .default(sql`'infinity'::timestamptz`),
  },
  (t) => [
    primaryKey({ name: 'number_held_once', columns: [t.domainId, t.value] }),
    foreignKey({
      name: 'number_hold_of_its_domain',
      columns: [t.domainId, t.domainKind],
      foreignColumns: [numberDomain.id, numberDomain.kind],
    }).onUpdate('cascade'),
    foreignKey({ name: 'number_hold_number_exists', columns: [t.numberId], foreignColumns: [number.id] }),
    check('number_hold_vlan_in_bounds', sql`${t.domainKind} <> 'vlan' or ${t.value} between 1 and 4094`),
    check('number_hold_has_one_holder', sql`num_nonnulls(${t.numberId}, ${t.itemId}) <= 1`),
    index('number_hold_by_number')
      .on(t.numberId)
      .where(sql`${t.numberId} is not null`),
    index('number_hold_by_item')
      .on(t.itemId)
      .where(sql`${t.itemId} is not null`),
  ],
);
