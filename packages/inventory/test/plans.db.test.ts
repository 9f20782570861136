import { encodeId } from '@sentral/contracts/ids';
import { openDatabase, type Database, type Tx } from '@sentral/kernel/database';
import { feedPage, numberFeed } from '@sentral/kernel/feed';
import { lockScopePath } from '@sentral/kernel/scopes/view';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { listBlocks } from '../src/address-block/list.js';
import { findBlock, findFreeBlock, findNextHost, insertAddressHold } from '../src/allocation/address-sql.js';
import { amendCapacity, listLevels, lockCapacity } from '../src/allocation/capacity-sql.js';
import { listAllocations } from '../src/allocation/list.js';
import { lockNodesToTake } from '../src/allocation/node-sql.js';
import { findNextNumber, insertNumberHold } from '../src/allocation/number-sql.js';
import { findByConsumer } from '../src/allocation/consumer-sql.js';
import { listOverdue, lockAllocation, lockProviders } from '../src/allocation/sql.js';
import { claimDue } from '../src/allocation/begin-sql.js';
import { claimOverdue } from '../src/allocation/sweep-sql.js';
import { historyOfNode } from '../src/node/history.js';
import { listEdges } from '../src/edge/list.js';
import { listHolds } from '../src/projection/sql.js';
import { listNodes } from '../src/node/list.js';
import { lockNodes } from '../src/node/sql.js';
import { listRanges } from '../src/number-range/list.js';
import { readAsk } from '../src/placement/ask.js';
import { nothingPending } from '../src/placement/host-sql.js';
import { listPlaces, walk } from '../src/placement/sql.js';
import { findHolders, listHitBy } from '../src/topology/blast-radius-sql.js';
import { listSubtree } from '../src/topology/sql.js';
import { depsOn, everyone, plansOf } from './explain.js';
import { fillPlans, id } from './plans-fill.js';

// Tens of thousands of rows, so that the planner has reason to choose; each statement is the one that runs, read back with
// its own parameters. Only the names of the indexes are asserted: costs and shapes differ from one PostgreSQL to the next.
let place: TestDatabase;
let admin: Database;
let app: Database;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string) => openDatabase({ url, applicationName: 'plans', poolSize: 2, statementTimeoutMs: 120_000 });
  [admin, app] = [as(place.adminUrl), as(place.url('inventory_app'))];
  await fillPlans(admin);
});
afterAll(async () => {
  await Promise.all([admin?.close(), app?.close()]);
  await place?.drop();
});

const nodes = [id('8001', 700), id('8001', 7000)];
const counters = [
  { nodeId: id('8001', 700), class: 'vcpu' },
  { nodeId: id('8001', 7000), class: 'vcpu' },
] as const;
const domain = { id: id('8008', 7), kind: 'vni', pooled: true, name: 'd7' };
const [spaceId, domainId] = [encodeId('spc', id('8006', 7)), encodeId('ndm', domain.id)];
const span = { allocationId: id('8002', 77), itemId: id('8005', 77) };
const inBlock =
  (use: (on: Tx, block: NonNullable<Awaited<ReturnType<typeof findBlock>>>) => Promise<unknown>) => async (on: Tx) => {
    const block = await findBlock(on, 'everything', id('8007', 7));
    if (block === undefined) throw new Error('no block');
    return use(on, block);
  };
const list = (command: object) => (on: Tx) =>
  listNodes(depsOn(on), everyone, { limit: 50, sort: 'id', showRetired: true, ...command });

const blocks = (command: object) => (on: Tx) =>
  listBlocks(depsOn(on), everyone, { limit: 50, sort: 'cidr', ...command });
const ranges = (command: object) => (on: Tx) =>
  listRanges(depsOn(on), everyone, { limit: 50, sort: '-start', ...command });
const edges = (command: object) => (on: Tx) => listEdges(depsOn(on), everyone, { limit: 50, sort: 'id', ...command });

const allocations = (command: object) => (on: Tx) =>
  listAllocations(depsOn(on), everyone, { limit: 50, sort: 'id', ...command });

const find = (asked: Partial<Parameters<typeof readAsk>[0]>) => async (on: Tx) => {
  await walk(on);
  const plain = { requiredTraits: [], forbiddenTraits: [], resources: [], groups: [], sameSubtree: [], pools: [] };
  const ask = readAsk({ ...plain, ...asked }, '');
  const sight = { tenants: [id('8003', 7)], shared: true };
  return listPlaces(on, { ask, sight, allowed: null, pending: nothingPending }, 10);
};
const amounts = { resources: [{ class: 'vcpu', amount: 2 }] };

/** What runs, the indexes that it must use, and the tables that it may read whole because they stay small. */
const statements: readonly [
  title: string,
  indexes: readonly string[],
  work: (on: Tx) => Promise<unknown>,
  whole?: readonly string[],
][] = [
  ['where amounts could lie', ['capacity_shuffled'], find(amounts), ['kind']],
  [
    'where they could lie apart from each other',
    ['capacity_shuffled'],
    find({ ...amounts, strategy: 'pack', spread: { level: 'rack', max: 1, with: [] } }),
    ['kind'],
  ],
  [
    'where whole nodes could lie',
    ['node_shuffled', 'allocation_item_by_node'],
    find({ resources: [{ kind: 'rack', count: 1 }] }),
    ['kind'],
  ],
  [
    'nodes are locked by id',
    ['node_pkey'],
    (on) => lockNodes(on, 'everything', nodes),
    ['kind', 'provider_use', 'rack_claim', 'external_id'],
  ],
  [
    'nodes to be taken are locked by id',
    ['node_pkey'],
    (on) => lockNodesToTake(on, { ids: nodes, whole: false }),
    ['kind'],
  ],
  [
    'what a ring of a blast radius takes along',
    ['node_by_parent', 'edge_end_by_node'],
    (on) => listHitBy(on as never, 'everything', { ring: nodes, limit: 100 }),
    ['kind'],
  ],
  [
    'who holds what is hit',
    ['allocation_item_by_node', 'allocation_item_by_block', 'allocation_item_by_taken_block'],
    (on) => findHolders(on, everyone, { nodeIds: nodes, blockIds: nodes, numbers: undefined, limit: 20 }),
  ],
  ['takers stand in line at the row of the provider', ['provider_use_pkey'], (on) => lockProviders(on, nodes)],
  [
    'what has run out is found from what is to be taken',
    ['allocation_by_expiry', 'allocation_item_capacity_by_end'],
    (on) =>
      listOverdue(on, {
        providerIds: nodes,
        keys: [{ nodeId: nodes[0] ?? '', class: 'vcpu' }],
        limit: 51,
        holderIds: [span.allocationId],
      }),
  ],
  [
    'counters are locked by node and class',
    ['capacity_once_per_class'],
    (on) => lockCapacity(on, { keys: counters, nodeIds: nodes }),
    ['resource_class'],
  ],
  [
    // By one of two indexes over the same two columns.
    'counters are moved by node and class',
    ['Index Scan using capacity_'],
    (on) => amendCapacity(on, [{ ...counters[0], delta: 1, booked: false, span: { from: 0, until: Infinity } }]),
  ],
  [
    'counters over time are read of what is live, by its ends',
    ['allocation_item_capacity_by_end'],
    (on) => listLevels(on, counters),
  ],
  ['a turn begins with the earliest booking', ['allocation_by_start'], (on) => claimDue(on, 20)],
  ['the sweep begins at the earliest expiry', ['allocation_by_expiry'], (on) => claimOverdue(on, 100)],
  ['an allocation is locked by id', ['allocation_pkey'], (on) => lockAllocation(on, span.allocationId)],
  [
    'a consumer finds what it holds',
    ['allocation_consumer_holds_once'],
    (on) => findByConsumer(on, id('8003', 7), { service: 's', kind: 'k', id: 'c7' }),
  ],
  [
    'the next number is behind a held one',
    ['number_held_once', 'number_range_by_domain'],
    (on) => findNextNumber(on, { domainId: domain.id, rangeId: null }),
  ],
  [
    'a number is judged by its key',
    ['number_held_once'],
    (on) => insertNumberHold(on, { domain, number: 999_999, span }),
  ],
  [
    'the next host is behind a held one',
    ['address_held_once', 'address_block_by_parent'],
    inBlock(findNextHost),
    ['address_range'],
  ],
  [
    'a host is judged by its key',
    ['address_held_once'],
    (on) => insertAddressHold(on, { spaceId: id('8006', 7), host: '10.9.9.9', span }),
  ],
  [
    'a free block is looked for among its siblings',
    ['address_block_by_parent', 'address_block_resting', 'address_held_once'],
    inBlock((on, block) => findFreeBlock(on, block, { length: 24, cidr: null })),
    ['address_range'],
  ],
  ['a page of nodes by id', ['node_pkey'], list({})],
  ['a page of nodes by name', ['node_by_name'], list({ sort: 'name' })],
  ['a page of nodes by name, the other way round', ['node_by_name'], list({ sort: '-name' })],
  ['a page of nodes by age', ['node_by_created'], list({ sort: '-createdAt' })],
  ['nodes of one name', ['node_by_name'], list({ name: 'n777' })],
  ['nodes whose name begins so', ['node_by_name'], list({ namePrefix: 'n77' })],
  ['the children of a node', ['node_by_parent'], list({ parentId: encodeId('nod', id('8001', 7)) })],
  ['a page of blocks by address', ['address_block_by_address'], blocks({})],
  ['a page of the blocks of a space by address', ['address_block_in_order'], blocks({ spaceId })],
  ['a page of the blocks of a space by id', ['address_block_by_space'], blocks({ spaceId, sort: '-id' })],
  ['a page of ranges by start', ['number_range_by_start'], ranges({})],
  ['a page of the ranges of a domain by start', ['number_range_in_order'], ranges({ domainId })],
  ['a page of the ranges of a domain by id', ['number_range_by_domain'], ranges({ domainId, sort: 'id' })],
  ['a page of edges by id', ['edge_pkey'], edges({})],
  ['a page of edges by age', ['edge_by_created'], edges({ sort: '-createdAt' })],
  ['a page of allocations by age', ['allocation_by_created'], allocations({ sort: '-createdAt' }), ['address_block']],
  ['who has or had a node', ['allocation_item_had_by_node'], allocations({ nodeId: encodeId('nod', id('8001', 7)) })],
  [
    'who has a node',
    ['allocation_item_by_node'],
    allocations({ nodeId: encodeId('nod', id('8001', 7)), state: ['active'] }),
  ],
  [
    'what a consumer has and had',
    ['allocation_consumer_holds_once', 'allocation_ended_by_consumer'],
    allocations({ consumerId: 'c7' }),
  ],
  [
    'a page of a subtree',
    ['node_by_parent'],
    (on) =>
      listSubtree(on, 'everything', {
        id: id('8001', 70),
        depthMax: 64,
        kinds: null,
        after: undefined,
        limit: 50,
      }),
  ],
  [
    'a page of the history of a node',
    ['node_history_once_a_version'],
    (on) => historyOfNode(depsOn(on), everyone, { id: encodeId('nod', id('8001', 7)), limit: 50 }),
  ],
  ['the liens on one thing', ['scope_view_by_held'], (on) => listHolds(on, 'nod_777')],
  [
    'a scope and what it lies in',
    ['scope_view_pkey'],
    (on) => lockScopePath(on, 'inventory', id('8009', 777)),
    // The ids that were locked are few, whatever the planner thinks of an array.
    [],
  ],
  ['a page of the feed', ['_pos_once'], (on) => feedPage(on, 'inventory', 15_000, 200)],
];
const small = ['kind', 'rack_claim', 'external_id', 'number_domain', 'address_space'];

test.each(statements)('%s by %s', async (_, indexes, work, whole = []) => {
  const plans = await plansOf(app, work);
  for (const index of indexes) expect(plans).toContain(index);
  // A walk is in the order of its index: whatever is sorted was read whole.
  expect(plans).not.toMatch(/Sort Key: \(?uuid_hash/);
  const read = [...plans.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => table ?? '');
  expect([plans, read.filter((table) => ![...small, ...whole].includes(table))]).toEqual([plans, []]);
});

test('the relay numbers rows by those that have no number', async () => {
  const before = await uses();
  expect(await numberFeed(app, 'inventory', 50)).toBe(50);
  await expect.poll(async () => (await uses()) > before, { timeout: 10_000 }).toBe(true);
});

/** How often the index of unnumbered rows was used, in whatever partition. */
async function uses(): Promise<number> {
  const [row] = await admin.unsafe(
    `select coalesce(sum(s.idx_scan), 0)::int as n from pg_stat_user_indexes s join pg_inherits i on i.inhrelid = s.indexrelid
     where i.inhparent = 'inventory.feed_unnumbered'::regclass`,
  );
  return Number(row?.['n']);
}
