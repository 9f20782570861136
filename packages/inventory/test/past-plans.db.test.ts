import { encodeId } from '@sentral/contracts/ids';
import { openDatabase, type Database, type Tx } from '@sentral/kernel/database';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { listBlocks } from '../src/address-block/list.js';
import { getAllocation } from '../src/allocation/get.js';
import { listAllocations } from '../src/allocation/list.js';
import { listEdges } from '../src/edge/list.js';
import { changesOfNode } from '../src/node/changes.js';
import { getNode } from '../src/node/get.js';
import { listNodes } from '../src/node/list.js';
import { ancestorsOfNode } from '../src/topology/ancestors.js';
import { subtreeOfNode } from '../src/topology/subtree.js';
import { depsOn, everyone, plansOf } from './explain.js';

// As plans.db.test.ts: thousands of rows, each thing with a version that is no more, and statements as they run.
const rows = 10_000;
const uuid = (family: string, n: number | string): string =>
  `('00000000-0000-7000-${family}-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
const id = (family: string, n: number): string => `00000000-0000-7000-${family}-${n.toString(16).padStart(12, '0')}`;
const n = `generate_series(1, ${rows}) n`;
const [made, changed] = [`now() - interval '2 hours'`, `now() - n % 3600 * interval '1 second'`];
const filled = [
  `update inventory.past_begins set at = now() - interval '1 day'`,
  `insert into inventory.node (id, kind, name, parent_id, version, created_at, updated_at) select ${uuid('8001', 'n')}, 'rack', 'n' || n,
     case when n > 1 then ${uuid('8001', 'n / 20 + 1')} end, 2, ${made}, ${changed} from ${n}`,
  `insert into inventory.node_past (id, until_at, kind, name, parent_id, version, created_at, updated_at)
     select id, updated_at, kind, name || ' once', parent_id, 1, created_at, created_at from inventory.node`,
  `insert into inventory.node_history (node_id, version, type, recorded_at, state) select id, v, 't', created_at, '{}' from inventory.node, generate_series(1, 2) v`,
  `insert into inventory.external_id (source, external_id, resource_type, resource_id, since) select 's', 'x' || n, 'node', ${uuid('8001', 'n')}, ${made} from ${n}`,
  `insert into inventory.external_id_past (source, external_id, resource_type, resource_id, since, until_at) select 's', 'x' || n, 'node', ${uuid('8001', 'n + 7')}, ${made}, ${made} from ${n}`,
  `insert into inventory.edge (id, edge_type, version, created_at, updated_at) select ${uuid('800a', 'n')}, 'depends', 2, ${made}, ${changed} from ${n}`,
  `insert into inventory.edge_past (id, until_at, edge_type, version, created_at, updated_at) select id, updated_at, edge_type, 1, created_at, created_at from inventory.edge`,
  `insert into inventory.edge_end (edge_id, edge_type, side, ordinal, node_id, since)
     select ${uuid('800a', 'n')}, 'depends', side, 0, ${uuid('8001', `(n + ascii(side)) % ${rows} + 1`)}, ${made} from ${n}, unnest(array['a', 'b']) side`,
  `insert into inventory.edge_end_past (edge_id, edge_type, side, ordinal, node_id, since, until_at) select edge_id, edge_type, side, ordinal, node_id, since - interval '1 hour', since from inventory.edge_end`,
  `insert into inventory.address_space (id, name, created_at, updated_at) select ${uuid('8006', 'n')}, 's' || n, ${made}, ${made} from generate_series(1, 100) n`,
  `insert into inventory.address_block (id, space_id, cidr, version, created_at, updated_at)
     select ${uuid('8007', 'n')}, ${uuid('8006', 'n % 100 + 1')}, set_masklen('10.0.0.0'::inet + (n / 100) * 256::bigint, 24)::cidr, 2, ${made}, ${changed} from ${n}`,
  `insert into inventory.address_block_past (id, until_at, space_id, cidr, version, created_at, updated_at) select id, updated_at, space_id, cidr, 1, created_at, created_at from inventory.address_block`,
  `insert into inventory.allocation (id, tenant_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state, starts_at, created_at, updated_at, ended_at, version)
     select ${uuid('8002', 'n')}, ${uuid('8003', 'n % 50')}, ${uuid('8004', 'n % 500')}, 'r' || n, 's', 'k', 'c' || n, case when n % 10 = 0 then 'active' else 'released' end,
       ${made}, ${made}, ${changed}, case when n % 10 > 0 then ${changed} end, 2 from ${n}`,
  `insert into inventory.allocation_past (allocation_id, tenant_id, until_at, state, on_expiry, starts_at, labels, version, updated_at)
     select id, tenant_id, updated_at, 'held', on_expiry, starts_at, labels, 1, created_at from inventory.allocation`,
  `insert into inventory.allocation_item (id, allocation_id, tenant_id, ordinal, what, node_id, class, domain_id, number, during, fence, taken_at, ended_at)
     select ${uuid('8005', 'n')}, a.id, a.tenant_id, 0, case when n % 2 = 0 then 'capacity' else 'number' end, case when n % 2 = 0 then ${uuid('8001', 'n / 20 + 1')} end,
       case when n % 2 = 0 then 'vcpu' end, case when n % 2 = 1 then ${uuid('8008', 'n % 200 + 1')} end, case when n % 2 = 1 then n / 200 end,
       tstzrange(a.created_at, a.ended_at), n, a.created_at, a.ended_at from ${n} join inventory.allocation a on a.id = ${uuid('8002', 'n')}`,
];

let place: TestDatabase;
let admin: Database;
let app: Database;
let asOf: string;
beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string) =>
    openDatabase({ url, applicationName: 'past-plans', poolSize: 2, statementTimeoutMs: 120_000 });
  [admin, app] = [as(place.adminUrl), as(place.url('inventory_app'))];
  for (const text of filled) await admin.unsafe(`set local session_replication_role = replica; ${text}`);
  await admin.unsafe('analyze');
  asOf = new Date(Date.now() - 1_800_000).toISOString();
});
afterAll(async () => {
  await Promise.all([admin?.close(), app?.close()]);
  await place?.drop();
});

const nodeId = encodeId('nod', id('8001', 300));
const statements: readonly [title: string, indexes: readonly string[], work: (on: Tx) => Promise<unknown>][] = [
  [
    'a node',
    ['node_pkey', 'node_past_once_a_version', 'node_history_once_a_version'],
    (on) => getNode(depsOn(on), everyone, { id: nodeId, asOf }),
  ],
  [
    'the children of a node',
    ['node_by_parent', 'node_past_by_parent'],
    (on) => listNodes(depsOn(on), everyone, { parentId: nodeId, limit: 50, sort: 'id', showRetired: true, asOf }),
  ],
  [
    'nodes of one name',
    ['node_by_name', 'node_past_by_name'],
    (on) => listNodes(depsOn(on), everyone, { name: 'n777', limit: 50, sort: 'id', showRetired: true, asOf }),
  ],
  [
    'a page of nodes',
    ['node_pkey', 'node_past_once_a_version'],
    (on) => listNodes(depsOn(on), everyone, { limit: 50, sort: 'id', showRetired: true, asOf }),
  ],
  [
    'what lay in a node',
    ['node_by_parent', 'node_past_by_parent'],
    (on) => subtreeOfNode(depsOn(on), everyone, { id: nodeId, depthMax: 64, limit: 50, asOf }),
  ],
  [
    'what a node lay in',
    ['node_pkey', 'node_past_once_a_version'],
    (on) => ancestorsOfNode(depsOn(on), everyone, { id: nodeId, asOf }),
  ],
  [
    'the edges of a node',
    ['edge_end_by_node', 'edge_end_past_by_node'],
    (on) => listEdges(depsOn(on), everyone, { nodeId, limit: 50, sort: 'id', asOf }),
  ],
  [
    'the blocks of a space',
    ['address_block_past_in_order'],
    (on) =>
      listBlocks(depsOn(on), everyone, { spaceId: encodeId('spc', id('8006', 7)), limit: 50, sort: 'cidr', asOf }),
  ],
  [
    'an allocation',
    ['allocation_pkey', 'allocation_past_once_a_version', 'allocation_item_ordinal_once'],
    (on) => getAllocation(depsOn(on), everyone, { id: encodeId('alc', id('8002', 77)), asOf }),
  ],
  [
    'who held of a node',
    ['allocation_item_by_node', 'allocation_item_ended_by_node', 'allocation_past_once_a_version'],
    (on) => listAllocations(depsOn(on), everyone, { nodeId, limit: 50, sort: 'id', asOf }),
  ],
  [
    'who held a number',
    ['allocation_item_by_number'],
    (on) =>
      listAllocations(depsOn(on), everyone, {
        domainId: encodeId('ndm', id('8008', 7)),
        number: 7,
        limit: 50,
        sort: 'id',
        asOf,
      }),
  ],
  [
    'what changed in a node',
    ['node_past_by_parent', 'edge_end_by_node', 'allocation_item_ended_by_node'],
    (on) =>
      changesOfNode(depsOn(on), everyone, {
        id: nodeId,
        from: asOf,
        types: ['node', 'edge', 'addressBlock', 'allocation'],
        limit: 50,
      }),
  ],
];

// Small in every world, or here: what lies at nodes is looked up for all of them at once.
const small = [
  'kind',
  'rack_claim',
  'provider_use',
  'observation',
  'capacity',
  'past_begins',
  'allocation_item_past',
  'address_space',
  'address_space_past',
];

test.each(statements)('as of an instant %s by %s', async (_, indexes, work) => {
  // Among so few rows a scan may be cheaper: what is asked is whether there is a way by index to all of them.
  const plans = await plansOf(app, work, { enable_seqscan: 'off' });
  for (const index of indexes) expect(plans).toContain(index);
  const read = [...plans.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => table ?? '');
  expect([plans, read.filter((table) => !small.includes(table))]).toEqual([plans, []]);
});
