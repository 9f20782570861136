import { encodeId, type Id } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAsk } from '../src/placement/ask.js';
import { nothingPending, type Search } from '../src/placement/host-sql.js';
import { listPlaces, listStages, walking } from '../src/placement/sql.js';
import { stand, type Stand } from './stand.js';

// Thousands of hosts, and a search that says where to look: what it reads is counted by PostgreSQL itself.
const many = 12_000;
const id = (n: number): string => `00000000-0000-7000-8001-${n.toString(16).padStart(12, '0')}`;
const node = (n: number): Id<'nod'> => encodeId('nod', id(n));
/** The site, the rack in it whose three hosts have the last numbers, and the two hosts that give more than all others. */
const [site, rack, inRack, large] = [1, 2, [many - 2, many - 1, many], [7_000, 9_000]] as const;

const like = { requiredTraits: [], forbiddenTraits: [] };

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
  const uuid = `('00000000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid`;
  for (const text of [
    'alter table inventory.node set (autovacuum_enabled = false)',
    'alter table inventory.capacity set (autovacuum_enabled = false)',
    `insert into inventory.node (id, kind, name, parent_id)
       select ${uuid}, case n when ${site} then 'site' when ${rack} then 'rack' else 'cluster' end, 'n' || n,
         case when n = ${site} then null when n > ${many} - 3 then '${id(rack)}'::uuid else '${id(site)}'::uuid end from generate_series(1, ${many}) n`,
    `insert into inventory.provider_use (provider_id) select id from inventory.node`,
    `insert into inventory.capacity (node_id, class, total, max_unit, cap)
       select ${uuid}, 'vcpu', t.total, t.total, t.total from generate_series(3, ${many}) n, lateral (select case when n in (${large.join()}) then 64 else 8 end as total) t`,
  ])
    await s.admin.unsafe(`set local session_replication_role = replica; ${text}`);
  uncounted = await explained();
  await s.admin.unsafe('analyze');
});
afterAll(() => s.close());

/** Of the waterfall of two halves of a host, before PostgreSQL has counted anything. */
let uncounted: Awaited<ReturnType<typeof explained>>;

async function explained() {
  const half = { ...like, resources: [{ class: 'vcpu', amount: 6 }] };
  const ask = readAsk(
    {
      ...like,
      resources: [],
      groups: ['one', 'other'].map((name) => ({ ...half, name })),
      groupPolicy: 'isolate',
      sameSubtree: [],
      pools: [],
    },
    '',
  );
  return inTransaction(s.deps.db.platform, async (tx) => {
    const before = await readBy(tx);
    const stages = await listStages(tx, { ask, sight: 'everything', allowed: null, pending: nothingPending });
    return { stages, read: (await readBy(tx)) - before };
  });
}

interface Found {
  readonly hosts: readonly string[];
  /** Counters that were read. */
  readonly read: number;
}

async function find(asked: Partial<Parameters<typeof readAsk>[0]>, more: Partial<Search> = {}): Promise<Found> {
  const plain = { ...like, resources: [], groups: [], sameSubtree: [], pools: [] };
  const ask = readAsk({ ...plain, resources: [{ class: 'vcpu', amount: 2 }], ...asked }, '');
  const search: Search = { ask, sight: 'everything', allowed: null, pending: nothingPending, ...more };
  return inTransaction(
    s.deps.db.platform,
    async (tx) => {
      const before = await readBy(tx);
      const hosts = (await listPlaces(tx, search, 5)).map(({ host }) => host).toSorted();
      return { hosts, read: (await readBy(tx)) - before };
    },
    { settings: walking },
  );
}

async function readBy(tx: Tx): Promise<number> {
  const [row] = await tx.unsafe(
    `select seq_tup_read + coalesce(idx_tup_fetch, 0) as n from pg_stat_xact_user_tables where relid = 'inventory.capacity'::regclass`,
  );
  return Number(row?.['n']);
}

const all = inRack.map(id);
/** How far a search walks before it asks what lies where it says, with some to spare. */
const few = 1_000;

test('in a rack of three hosts it finds the three, and reads those of thousands', async () => {
  const { hosts, read } = await find({ location: node(rack) });
  expect(hosts).toEqual(all);
  expect(read).toBeLessThan(few);
});

test('the same where policy allows that rack alone, and of the members of a pool', async () => {
  const allowed = await find({}, { allowed: [id(rack)] });
  expect([allowed.hosts, allowed.read < few]).toEqual([all, true]);
  const pool = await s.inventory.pool.create(s.caller, {
    name: 'few',
    members: inRack.map((n) => ({ nodeId: node(n) })),
  });
  const members = await find({ pools: [{ is: 'in', poolIds: [pool.id] }] });
  expect([members.hosts, members.read < few]).toEqual([all, true]);
});

test('near what somebody has, on its host or in its rack, it looks there alone', async () => {
  const { id: mine } = await s.take([{ what: 'capacity', nodeId: node(inRack[0]), class: 'vcpu', amount: 1 }]);
  const beside = await find({ near: { allocationIds: [mine] } });
  expect([beside.hosts, beside.read < 50]).toEqual([[id(inRack[0])], true]);
  const level = await find({ near: { allocationIds: [mine], level: 'rack' } });
  expect([level.hosts, level.read < 50]).toEqual([all, true]);
});

test('where too much lies to look at it from above, it walks by all: nothing that fits is missed', async () => {
  const { hosts } = await find({ location: node(site), resources: [{ class: 'vcpu', amount: 32 }] });
  expect(hosts).toEqual(large.map(id));
});

test('many that fit are found as before, in any order', async () => {
  const { hosts, read } = await find({ location: node(site) });
  expect([hosts.length, read < few]).toEqual([5, true]);
});

test('why none of thousands fits is read once of each, also where PostgreSQL has not counted them yet', () => {
  expect(uncounted.stages.at(-1)).toMatchObject({ filter: 'capacity', left: 0 });
  expect(uncounted.read).toBeLessThan(6 * many);
});

test('a group is offered where one node has all of it, of which some have a part', async () => {
  const memory = async (n: number, total: number) =>
    s.inventory.capacity.set(s.caller, {
      nodeId: node(n),
      capacities: [
        { class: 'vcpu', total: 8 },
        { class: 'memoryMib', total },
      ],
    });
  await memory(inRack[0], 1_024);
  await memory(inRack[1], 4_096);
  const group = {
    ...like,
    name: 'half',
    resources: [
      { class: 'vcpu', amount: 2 },
      { class: 'memoryMib', amount: 2_048 },
    ],
  };
  expect((await find({ resources: [], groups: [group] })).hosts).toEqual([id(inRack[1])]);
});
