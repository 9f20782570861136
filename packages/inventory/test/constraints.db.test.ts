import { constraintName, sqlState } from '@sentral/kernel/errors';
import { openDatabase, type Database, type Tx } from '@sentral/kernel/database';
import { record } from '@sentral/kernel/feed';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

let place: TestDatabase;
let app: Database;
let read: Database;
const ids = {
  space: newId(),
  rack: newId(),
  server: newId(),
  port: newId(),
  domain: newId(),
  root: newId(),
  child: newId(),
};

const fact = (tx: Tx, type: string, id: string, version = 1) =>
  record(tx, 'inventory', {
    type: `inventory.${type}.made`,
    resource: { type: `inventory.${type}`, id, version },
    event: {},
    audit: {},
  });

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'inventory-test', poolSize: 4 });
  app = as('inventory_app');
  read = as('inventory_read');
  await inTransaction(app, async (tx) => {
    await tx.unsafe(
      `insert into node (id, kind, parent_id) values ($1, 'region', null), ($2, 'region', $1), ($3, 'rack', $2), ($4, 'server', $3), ($5, 'interface', $4)`,
      [ids.root, ids.child, ids.rack, ids.server, ids.port],
    );
    for (const id of [ids.root, ids.child, ids.rack, ids.server, ids.port]) await fact(tx, 'node', id);
    await tx.unsafe('insert into rack (node_id, height_half_units) values ($1, 84)', [ids.rack]);
    await tx.unsafe(`insert into address_space (id, name) values ($1, 'global')`, [ids.space]);
    await fact(tx, 'addressSpace', ids.space);
    await tx.unsafe(`insert into number_domain (id, name, kind) values ($1, 'vlans', 'vlan')`, [ids.domain]);
    await fact(tx, 'numberDomain', ids.domain);
  });
});
afterAll(async () => {
  await Promise.all([app.close(), read.close()]);
  await place.drop();
});

/** The constraint that refuses the statements, run as the application in one transaction. */
async function judge(
  ...statements: readonly (readonly [text: string, params?: readonly unknown[]])[]
): Promise<string | undefined> {
  try {
    await inTransaction(app, async (tx) => {
      for (const [text, params] of statements) await tx.unsafe(text, params);
    });
    return undefined;
  } catch (error) {
    return constraintName(error) ?? sqlState(error) ?? String(error);
  }
}

const claim = (id: string, face: string, units: string) =>
  [
    `insert into rack_claim (id, rack_id, rack_height_half_units, layer, face, half_units, node_id) values ($1, $2, 84, 'device', $3, $4::int4range, $5)`,
    [id, ids.rack, face, units, ids.server],
  ] as const;
const block = (cidr: string, parent: { id: string; cidr: string } | null = null) =>
  [
    `insert into address_block (id, space_id, cidr, parent_id, parent_cidr) values ($1, $2, $3::cidr, $4, $5::cidr)`,
    [newId(), ids.space, cidr, parent?.id ?? null, parent?.cidr ?? null],
  ] as const;
const range = (numbers: string) =>
  [
    `insert into number_range (id, domain_id, domain_kind, numbers) values ($1, $2, 'vlan', $3::int8range)`,
    [newId(), ids.domain, numbers],
  ] as const;

test('rack units are taken once per face, and inside the rack', async () => {
  expect(await judge(claim(newId(), 'front', '[0,2)'), claim(newId(), 'front', '[1,3)'))).toBe('rack_units_taken_once');
  expect(await judge(claim(newId(), 'front', '[0,2)'), claim(newId(), 'rear', '[1,3)'))).toBe(undefined);
  expect(await judge(claim(newId(), 'front', '[83,85)'))).toBe('rack_claim_inside_its_rack');
});

test('a rack cannot shrink below what stands in it', async () => {
  expect(
    await judge(claim(newId(), 'front', '[80,82)'), [
      'update rack set height_half_units = 80 where node_id = $1',
      [ids.rack],
    ]),
  ).toBe('rack_claim_inside_its_rack');
});

test('roots of a space and siblings under one parent never overlap', async () => {
  expect(await judge(block('10.0.0.0/8'), block('10.1.0.0/16'))).toBe('address_block_siblings_never_overlap');
  expect(await judge(block('2001:db8::/32'), block('2001:db8:1::/48'))).toBe('address_block_siblings_never_overlap');
});

test('a child lies strictly inside the prefix that its parent has', async () => {
  const parent = newId();
  const insert = [
    `insert into address_block (id, space_id, cidr) values ($1, $2, '172.16.0.0/16')`,
    [parent, ids.space],
  ] as const;
  expect(await judge(insert, block('172.17.0.0/24', { id: parent, cidr: '172.16.0.0/16' }))).toBe(
    'address_block_inside_its_parent',
  );
  expect(await judge(insert, block('172.16.0.0/16', { id: parent, cidr: '172.16.0.0/16' }))).toBe(
    'address_block_inside_its_parent',
  );
  expect(await judge(insert, block('172.16.1.0/24', { id: parent, cidr: '172.0.0.0/8' }))).toBe(
    'address_block_parent_has_this_cidr',
  );
});

test('ranges of a domain never overlap and VLANs are 1 to 4094', async () => {
  expect(await judge(range('[10,20]'), range('[20,30]'))).toBe('number_ranges_never_overlap');
  expect(await judge(range('[4000,4095]'))).toBe('number_range_vlan_in_bounds');
  expect(
    await judge([`insert into number_hold (domain_id, domain_kind, value) values ($1, 'vlan', 4095)`, [ids.domain]]),
  ).toBe('number_hold_vlan_in_bounds');
});

test('a host and a number are held once', async () => {
  const host = [`insert into address_hold (space_id, host) values ($1, '10.9.9.9')`, [ids.space]] as const;
  expect(await judge(host, host)).toBe('address_held_once');
  const vlan = [
    `insert into number_hold (domain_id, domain_kind, value) values ($1, 'vlan', 7)`,
    [ids.domain],
  ] as const;
  expect(await judge(vlan, vlan)).toBe('number_held_once');
});

test('a node is held once at a time, and may be booked again for later', async () => {
  const allocation = newId();
  const tenant = newId();
  const hold = [
    `insert into allocation (id, tenant_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state) values ($1, $2, $2, 'r', 's', 'k', 'i', 'held')`,
    [allocation, tenant],
  ] as const;
  const item = (ordinal: number, during: string) =>
    [
      `insert into allocation_item (id, allocation_id, tenant_id, ordinal, what, node_id, during, fence) values ($1, $2, $3, $4, 'node', $5, $6::tstzrange, 1)`,
      [newId(), allocation, tenant, ordinal, ids.server, during],
    ] as const;
  expect(await judge(hold, item(0, '[2026-01-01,2026-02-01)'), item(1, '[2026-01-31,2026-03-01)'))).toBe(
    'allocation_item_node_held_once',
  );
  // Without a feed row nothing commits, whatever else is right.
  expect(await judge(hold, item(0, '[2026-01-01,2026-02-01)'), item(1, '[2026-02-01,2026-03-01)'))).toBe(
    'change_has_feed_row',
  );
});

test('containment has no loop, whoever writes it, one row or many', async () => {
  expect(
    await judge(['update node set parent_id = $1, version = version + 1 where id = $2', [ids.child, ids.root]]),
  ).toBe('node_parent_acyclic');
  expect(
    await judge([
      `insert into node (id, kind, parent_id) values ($1, 'region', $2), ($2, 'region', $1)`,
      [newId(), newId()],
    ]),
  ).toBe('node_parent_acyclic');
});

test('a change without a version step, or without a feed row, does not commit', async () => {
  expect(await judge([`update node set name = 'x' where id = $1`, [ids.root]])).toBe('version_moves_by_one');
  expect(await judge([`update node set name = 'x', version = version + 1 where id = $1`, [ids.root]])).toBe(
    'change_has_feed_row',
  );
  expect(await judge(['delete from node where id = $1', [ids.port]])).toBe('change_has_feed_row');
});

test('the application cannot write kinds, and a tenant reads its own allocations alone', async () => {
  expect(await judge([`insert into kind (key, title, category) values ('unicorn', 'Unicorn', 'device')`])).toBe(
    '42501',
  );
  const tenant = newId();
  await inTransaction(app, async (tx) => {
    const id = newId();
    await tx.unsafe(
      `insert into allocation (id, tenant_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state) values ($1, $2, $2, 'r', 's', 'k', 'i', 'active')`,
      [id, tenant],
    );
    await fact(tx, 'allocation', id);
  });
  const seenBy = (as: string) =>
    inTransaction(read, async (tx) => (await tx.unsafe('select id from allocation')).length, {
      settings: { 'sentral.tenant': as },
    });
  expect([await seenBy(tenant), await seenBy(newId()), await seenBy('')]).toEqual([1, 0, 0]);
});
