import { encodeId } from '@sentral/contracts/ids';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fillPlans, id, rows, uuid } from './plans-fill.js';
import { stand, type Stand } from './stand.js';

// The statements of as-of reads run in transactions of their own, so what they do is told by the statistics of the tables.
let s: Stand;
let admin: Database;
let asOf: string;
beforeAll(async () => {
  // One connection of each role, so that what it did can be told at once.
  s = await stand(1);
  admin = openDatabase({ url: s.adminUrl, applicationName: 'plans', poolSize: 1, statementTimeoutMs: 120_000 });
  await fillPlans(admin, ...changed);
  // What is dead already would be counted too.
  await admin.unsafe('vacuum');
  asOf = new Date(Date.now() - 86_400_000).toISOString();
}, 120_000);
afterAll(async () => {
  await admin?.close();
  await s?.close();
});

const versioned = {
  node: 'id, kind, name, parent_id, tenant_id, labels, version, created_at, updated_at',
  edge: 'id, edge_type, version, created_at, updated_at',
  address_space: 'id, name, version, created_at, updated_at',
  address_block: 'id, space_id, parent_id, parent_cidr, cidr, node_id, version, created_at, updated_at',
  address: 'id, space_id, host, prefix_length, node_id, version, created_at, updated_at',
  number_domain: 'id, name, kind, version, created_at, updated_at',
  number: 'id, domain_id, domain_kind, value, node_id, version, created_at, updated_at',
};
const n = `generate_series(1, ${rows}) n`;
/** Two days ago all was made; an hour ago half of it was changed, and has the version before in its past. */
const changed = [
  `update inventory.past_begins set at = now() - interval '3 days'`,
  `insert into inventory.address (id, space_id, host, prefix_length, node_id) select (${uuid('800b', 'n')})::uuid, (${uuid('8006', 'n % 200 + 1')})::uuid, '10.0.0.0'::inet + n, 32, (${uuid('8001', 'n')})::uuid from ${n}`,
  `insert into inventory.number (id, domain_id, domain_kind, value, node_id) select (${uuid('800c', 'n')})::uuid, (${uuid('8008', 'n % 200 + 1')})::uuid, 'vni', n, (${uuid('8001', 'n')})::uuid from ${n}`,
  `insert into inventory.external_id (source, external_id, resource_type, resource_id, since) select 's', 'k' || n, 'node', (${uuid('8001', 'n')})::uuid, now() - interval '2 days' from ${n}`,
  `insert into inventory.external_id_past (source, external_id, resource_type, resource_id, since, until_at)
     select 's', 'was' || n, 'node', (${uuid('8001', 'n')})::uuid, now() - interval '2 days', now() - interval '1 hour' from ${n}`,
  `update inventory.edge_end set since = now() - interval '2 days'`,
  `insert into inventory.edge_end_past (edge_id, edge_type, side, ordinal, node_id, since, until_at)
     select edge_id, edge_type, side, ordinal, node_id, now() - interval '2 days', now() - interval '1 hour' from inventory.edge_end`,
  ...Object.entries(versioned).flatMap(([table, columns]) => [
    `update inventory.${table} set created_at = now() - interval '2 days' - hashtext(id::text) % 10000 * interval '1 second', updated_at = now() - interval '2 days'`,
    `insert into inventory.${table}_past (${columns}, until_at) select ${columns}, now() - interval '1 hour' from inventory.${table} where hashtext(id::text) % 2 = 0`,
    `update inventory.${table} set updated_at = now() - interval '1 hour', version = version + 1 where hashtext(id::text) % 2 = 0`,
  ]),
  `update inventory.allocation set created_at = now() - interval '2 days', updated_at = now() - interval '1 hour', version = 2`,
  `insert into inventory.allocation_item_past (item_id, tenant_id, fence, until_at) select id, tenant_id, 0, now() - interval '1 hour' from inventory.allocation_item`,
  `update inventory.allocation_item set taken_at = now() - interval '2 days'`,
  `insert into inventory.allocation_past (allocation_id, tenant_id, until_at, state, on_expiry, starts_at, expires_at, labels, version, updated_at)
     select id, tenant_id, now() - interval '1 hour', state, on_expiry, starts_at, expires_at, labels, 1, now() - interval '2 days' from inventory.allocation`,
];

const at = () => ({ asOf, limit: 50 });
const nodeId = encodeId('nod', id('8001', 700));
const spaceId = encodeId('spc', id('8006', 7));
const domainId = encodeId('ndm', id('8008', 7));
const nodes = (more: object) => s.inventory.node.list(s.caller, { ...at(), ...more });
const edges = (more: object) => s.inventory.edge.list(s.caller, { ...at(), ...more });
const blocks = (more: object) => s.inventory.addressBlock.list(s.caller, { ...at(), ...more });
const allocations = (more: object) => s.inventory.allocation.list(s.caller, { ...at(), ...more });

/** What is asked as of yesterday, and how many things are found. */
const reads: readonly [title: string, found: number, read: () => Promise<object>][] = [
  ['a node', 1, () => s.inventory.node.get(s.caller, { id: nodeId, asOf })],
  ['a page of nodes by id', 50, () => nodes({})],
  ['a page of nodes by name', 50, () => nodes({ sort: 'name' })],
  ['a page of nodes by age', 50, () => nodes({ sort: '-createdAt' })],
  ['nodes of one name', 1, () => nodes({ name: 'n777' })],
  ['nodes whose name begins so, by name', 50, () => nodes({ namePrefix: 'n77', sort: 'name' })],
  ['the children of a node', 20, () => nodes({ parentId: nodeId })],
  ['the node of a key', 1, () => nodes({ source: 's', externalId: 'was77' })],
  ['a page of a subtree', 21, () => s.inventory.node.subtree(s.caller, { ...at(), id: nodeId })],
  ['what a node lay in', 3, () => s.inventory.node.ancestors(s.caller, { asOf, id: nodeId })],
  ['an edge', 1, () => s.inventory.edge.get(s.caller, { asOf, id: encodeId('edg', id('800a', 700)) })],
  ['a page of edges by id', 50, () => edges({})],
  ['a page of edges by age', 50, () => edges({ sort: '-createdAt' })],
  ['the edges of a node', 2, () => edges({ nodeId })],
  ['a block', 1, () => s.inventory.addressBlock.get(s.caller, { asOf, id: encodeId('blk', id('8007', 7)) })],
  ['a page of blocks by address', 50, () => blocks({})],
  ['a page of the blocks of a space by address', 50, () => blocks({ spaceId })],
  ['a page of the addresses of a space', 50, () => s.inventory.address.list(s.caller, { ...at(), spaceId })],
  ['a page of the numbers of a domain', 50, () => s.inventory.number.list(s.caller, { ...at(), domainId })],
  ['an allocation', 1, () => s.inventory.allocation.get(s.caller, { asOf, id: encodeId('alc', id('8002', 7)) })],
  ['a page of allocations by id', 50, () => allocations({})],
  ['a page of allocations by age', 50, () => allocations({ sort: '-createdAt' })],
  ['who had a node', 1, () => allocations({ nodeId })],
  ['who had a number', 0, () => allocations({ domainId, number: 7 })],
  ['what a consumer had', 1, () => allocations({ consumerId: 'c77' })],
  ['what changed in a node since', 38, () => s.inventory.node.changes(s.caller, { id: nodeId, from: asOf, limit: 50 })],
];

/** Of tables of tens of thousands no more than so many rows: a page and what is looked up for it read half as many at most (2026-11-28). */
const readMost = 2_500;

/** How many rows were read of each table so far, through indexes or without. */
async function rowsRead(): Promise<Map<string, number>> {
  for (const db of [admin, ...Object.values(s.deps.db)]) await db.unsafe('select pg_stat_force_next_flush()');
  const found = await admin.unsafe(
    `select t.relname as name, (t.seq_tup_read + (select sum(x.idx_tup_read) from pg_stat_user_indexes x where x.relid = t.relid))::int as n
     from pg_stat_user_tables t where t.schemaname = 'inventory'`,
  );
  return new Map(found.map(({ name, n: times }) => [String(name), Number(times)]));
}

test.each(reads)('%s, as of yesterday, by indexes', async (_, many, read) => {
  const before = await rowsRead();
  const got = (await read()) as { readonly items?: readonly unknown[]; readonly type?: string };
  const after = await rowsRead();
  expect((got.type === undefined ? got.items : undefined)?.length ?? 1).toBe(many);
  const often = [...after].map(([table, times]) => [table, times - (before.get(table) ?? 0)] as const);
  expect(often.filter(([, times]) => times > readMost)).toEqual([]);
});
