import type { Caller } from '@sentral/contracts/contract';
import { isProblem } from '@sentral/contracts/problem';
import { defaultEnvironmentId, defaultProjectId, defaultTenantId } from '@sentral/contracts/tenancy';
import { openDatabase } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createBlock } from '../address-block/create.js';
import { createSpace } from '../address-space/create.js';
import { recordAddress } from '../address/record.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { registerNode } from '../node/register.js';
import { createDomain } from '../number-domain/create.js';
import { createRange } from '../number-range/create.js';
import { confirmAllocation } from './confirm.js';
import { getAllocation } from './get.js';
import { createLanes, type Lanes } from './lanes.js';
import { listAllocations } from './list.js';
import { releaseAllocation } from './release.js';
import { renewAllocation } from './renew.js';
import { reserveAllocation } from './reserve.js';
import { sweepAllocations } from './sweep.js';

let database: TestDatabase;
let deps: Deps & { lanes: Lanes };
const close: (() => Promise<void>)[] = [];

const caller: Caller = {
  principal: { id: 'test', type: 'user' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [
    { id: defaultTenantId, parentId: null, kind: 'tenant', tenantId: defaultTenantId, state: 'active', version: 1 },
    {
      id: defaultProjectId,
      parentId: defaultTenantId,
      kind: 'project',
      tenantId: defaultTenantId,
      state: 'active',
      version: 1,
    },
    {
      id: defaultEnvironmentId,
      parentId: defaultProjectId,
      kind: 'environment',
      tenantId: defaultTenantId,
      state: 'active',
      version: 1,
    },
  ],
};

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  const open = (role: string) => {
    const db = openDatabase({
      url: database.url(role),
      applicationName: role,
      searchPath: ['inventory', 'extensions'],
      poolSize: 8,
      queueLimit: 500,
      acquireTimeoutMs: 30_000,
    });
    close.push(() => db.close());
    return db;
  };
  const own: Deps = {
    db: { app: open('inventory_app'), read: open('inventory_read'), platform: open('inventory_platform') },
    now: () => new Date(),
    newId,
    telemetry: createTelemetry({ level: 'error', write: () => undefined }),
  };
  deps = { ...own, lanes: createLanes(own) };
});
afterAll(async () => {
  await Promise.all(close.map((each) => each()));
  await database.drop();
});

type Item = Command<'allocation', 'reserve'>['items'][number];
let consumers = 0;
const want = (
  items: Item[],
  more: Partial<Command<'allocation', 'reserve'>> = {},
): Command<'allocation', 'reserve'> => ({
  environmentId: defaultEnvironmentId,
  consumer: { service: 'test', kind: 'thing', id: String((consumers += 1)) },
  items,
  onExpiry: 'release',
  labels: {},
  ...more,
});
const ask = async (items: Item[], more: Partial<Command<'allocation', 'reserve'>> = {}, as: Caller = caller) => {
  try {
    return await reserveAllocation(deps, as, want(items, more));
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
};
type Outcome = Awaited<ReturnType<typeof ask>>;
const won = (outcomes: readonly Outcome[]) => outcomes.filter((o) => !isProblem(o)) as Exclude<Outcome, Error>[];
const codes = (outcomes: readonly Outcome[]) => outcomes.flatMap((o) => (isProblem(o) ? [o.code] : []));

async function block(cidr: string, more: { isPool?: boolean } = {}) {
  const space = await createSpace(deps, caller, { name: `space ${newId()}`, coolDownSeconds: 0, attributes: {} });
  const made = await createBlock(deps, caller, {
    spaceId: space.id,
    cidr,
    isPool: more.isPool ?? false,
    markUtilized: false,
    status: 'active',
    attributes: {},
  });
  return { space, block: made };
}
async function domain(start: number, end: number, coolDownSeconds = 0) {
  const made = await createDomain(deps, caller, {
    name: `domain ${newId()}`,
    kind: 'vlan',
    pooled: true,
    coolDownSeconds,
    attributes: {},
  });
  await createRange(deps, caller, { domainId: made.id, start, end, attributes: {} });
  return made;
}
const server = () =>
  registerNode(deps, caller, {
    kind: 'server',
    name: `server-${newId()}`,
    attributes: {},
    traits: [],
    labels: {},
    intent: 'in_service',
    state: 'available',
    externalIds: [],
  });

const overdue = (id: string) =>
  deps.db.app.unsafe(
    `with a as (update allocation set starts_at = now() - interval '2 hours', expires_at = now() - interval '1 hour', version = version + 1 where request_id = $1 returning id, version)
     select 1`,
    [id],
  );

test('of fifty that want one server, one gets it and forty-nine are told who has it', async () => {
  const node = await server();
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => ask([{ what: 'node', nodeId: node.id }])));
  const [winner, ...others] = won(outcomes);
  expect(others).toEqual([]);
  const losers = outcomes.filter((o) => isProblem(o));
  expect(new Set(losers.map((l) => l.code))).toEqual(new Set(['allocation-conflict']));
  expect(
    losers.every((l) => (l.facts['conflicts'] as { allocationId: string }[])[0]?.allocationId === winner!.id),
  ).toBe(true);
});

test('sixteen that want the next free of a /28 pool get its sixteen addresses, the seventeenth is told it is full', async () => {
  const { block: pool } = await block('10.1.0.0/28', { isPool: true });
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, () => ask([{ what: 'address', blockId: pool.id, count: 1 }])),
  );
  const got = won(outcomes).map((a) => a.items[0]!.address);
  expect(new Set(got)).toEqual(new Set(Array.from({ length: 16 }, (_, i) => `10.1.0.${i}`)));
  expect(codes([await ask([{ what: 'address', blockId: pool.id, count: 1 }])])).toEqual(['capacity-exhausted']);
});

test('nine of an eight-address pool are refused whole, then eight are given', async () => {
  const { block: pool } = await block('10.2.0.0/29', { isPool: true });
  expect(codes([await ask([{ what: 'address', blockId: pool.id, count: 9 }])])).toEqual(['capacity-exhausted']);
  const eight = await ask([{ what: 'address', blockId: pool.id, count: 8 }]);
  expect(won([eight])[0]!.items.map((i) => i.address)).toEqual(Array.from({ length: 8 }, (_, i) => `10.2.0.${i}`));
});

test.each([
  ['10.3.0.0/29', false, 6],
  ['10.3.1.0/29', true, 8],
  ['10.3.2.0/31', false, 2],
  ['10.3.3.0/32', false, 1],
  ['2001:db8::/126', false, 3],
  ['2001:db8:1::/127', false, 2],
  ['2001:db8:2::/128', false, 1],
] as const)('%s (pool: %s) gives %i addresses and no more', async (cidr, isPool, count) => {
  const { block: home } = await block(cidr, { isPool });
  for (let i = 0; i < count; i++)
    expect(won([await ask([{ what: 'address', blockId: home.id, count: 1 }])])).toHaveLength(1);
  expect(codes([await ask([{ what: 'address', blockId: home.id, count: 1 }])])).toEqual(['capacity-exhausted']);
});

test('a stated address is given once, and network, broadcast and foreign ones never', async () => {
  const { block: home } = await block('10.4.0.0/24');
  expect(won([await ask([{ what: 'address', blockId: home.id, address: '10.4.0.9', count: 1 }])])).toHaveLength(1);
  for (const address of ['10.4.0.9', '10.4.0.0', '10.4.0.255', '10.5.0.1', '2001:db8::1']) {
    expect(codes([await ask([{ what: 'address', blockId: home.id, address, count: 1 }])]), address).toEqual([
      'allocation-conflict',
    ]);
  }
});

test('a recorded address is stepped over', async () => {
  const { space, block: home } = await block('10.6.0.0/29');
  await recordAddress(deps, caller, { spaceId: space.id, address: '10.6.0.1', attributes: {} });
  expect(won([await ask([{ what: 'address', blockId: home.id, count: 2 }])])[0]!.items.map((i) => i.address)).toEqual([
    '10.6.0.2',
    '10.6.0.3',
  ]);
});

test('eight that want a /26 of a /24 get four blocks that do not overlap', async () => {
  const { block: parent } = await block('10.7.0.0/24');
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, () => ask([{ what: 'block', blockId: parent.id, prefixLength: 26, count: 1 }])),
  );
  expect(new Set(won(outcomes).map((a) => a.items[0]!.cidr))).toEqual(
    new Set(['10.7.0.0/26', '10.7.0.64/26', '10.7.0.128/26', '10.7.0.192/26']),
  );
  expect(codes(outcomes)).toEqual(Array.from({ length: 12 }, () => 'capacity-exhausted'));
});

test('five /30 of a /28 are refused whole, four lie one behind the other; a released one is given again', async () => {
  const { block: parent } = await block('10.8.0.0/28');
  expect(codes([await ask([{ what: 'block', blockId: parent.id, prefixLength: 30, count: 5 }])])).toEqual([
    'capacity-exhausted',
  ]);
  const taken = won([await ask([{ what: 'block', blockId: parent.id, prefixLength: 30, count: 4 }])])[0]!;
  expect(taken.items.map((i) => i.cidr)).toEqual(['10.8.0.0/30', '10.8.0.4/30', '10.8.0.8/30', '10.8.0.12/30']);
  await releaseAllocation(deps, caller, { id: taken.id });
  expect(won([await ask([{ what: 'block', blockId: parent.id, cidr: '10.8.0.8/30', count: 1 }])])).toHaveLength(1);
  expect(won([await ask([{ what: 'block', blockId: parent.id, prefixLength: 29, count: 1 }])])[0]!.items[0]!.cidr).toBe(
    '10.8.0.0/29',
  );
  expect(codes([await ask([{ what: 'block', blockId: parent.id, prefixLength: 27, count: 1 }])])).toEqual([
    'validation-failed',
  ]);
});

test('the next free VLAN is the lowest, stated ones are kept out, and the domain ends where its ranges end', async () => {
  const vlans = await domain(1, 6);
  for (const number of [1, 3, 5])
    expect(won([await ask([{ what: 'number', domainId: vlans.id, number, count: 1 }])])).toHaveLength(1);
  expect(won([await ask([{ what: 'number', domainId: vlans.id, count: 3 }])])[0]!.items.map((i) => i.number)).toEqual([
    2, 4, 6,
  ]);
  expect(codes([await ask([{ what: 'number', domainId: vlans.id, count: 1 }])])).toEqual(['capacity-exhausted']);
  expect(codes([await ask([{ what: 'number', domainId: vlans.id, number: 7, count: 1 }])])).toEqual([
    'allocation-conflict',
  ]);
});

test('two servers asked for in opposite order by twenty-four clients: no deadlock, one holder', async () => {
  const [x, y] = [await server(), await server()];
  const outcomes = await Promise.all(
    Array.from({ length: 24 }, (_, i) => {
      const items: Item[] = [
        { what: 'node', nodeId: x.id },
        { what: 'node', nodeId: y.id },
      ];
      return ask(i % 2 === 0 ? items : items.toReversed());
    }),
  );
  expect(won(outcomes)).toHaveLength(1);
  expect(new Set(codes(outcomes))).toEqual(new Set(['allocation-conflict']));
});

test('a hold that ran out and that nobody has swept does not block, and fences rise', async () => {
  const node = await server();
  const first = won([await ask([{ what: 'node', nodeId: node.id }], { ttlSeconds: 60, requestId: 'gone' })])[0]!;
  await expect(overdue('gone')).rejects.toThrow();
  await deps.db.app.unsafe(`select pg_sleep(0)`);
  const short = won([
    await ask([{ what: 'node', nodeId: (await server()).id }], { ttlSeconds: 1, requestId: 'short' }),
  ])[0]!;
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await getAllocation(deps, caller, { id: short.id })).toMatchObject({ state: 'expired' });
  const again = won([await ask([{ what: 'node', nodeId: short.items[0]!.nodeId! }])])[0]!;
  expect(again.items[0]!.fence).toBeGreaterThan(short.items[0]!.fence);
  expect(first.state).toBe('held');
  await expect(renewAllocation(deps, caller, { id: short.id })).rejects.toMatchObject({ code: 'lease-expired' });
});

test('held, renewed within its bound, confirmed, released once', async () => {
  const vlans = await domain(10, 20);
  const held = won([
    await ask([{ what: 'number', domainId: vlans.id, count: 1 }], { ttlSeconds: 30, maxTtlSeconds: 100 }),
  ])[0]!;
  const renewed = await renewAllocation(deps, caller, { id: held.id, ttlSeconds: 90 });
  expect(renewed).toMatchObject({ state: 'held', version: 2 });
  await expect(renewAllocation(deps, caller, { id: held.id, ttlSeconds: 200 })).rejects.toMatchObject({
    code: 'amount-not-allowed',
  });
  const confirmed = await confirmAllocation(deps, caller, { id: held.id, version: 2 });
  expect(confirmed).toMatchObject({ state: 'active', version: 3 });
  expect(confirmed.expiresAt).toBeUndefined();
  await expect(releaseAllocation(deps, caller, { id: held.id, version: 1 })).rejects.toMatchObject({
    code: 'version-mismatch',
  });
  await expect(releaseAllocation(deps, caller, { id: held.id, fence: 0 })).rejects.toMatchObject({
    code: 'fence-stale',
  });
  expect(await releaseAllocation(deps, caller, { id: held.id })).toMatchObject({ state: 'released', version: 4 });
  await expect(releaseAllocation(deps, caller, { id: held.id })).rejects.toMatchObject({ code: 'not-found' });
});

test('one consumer holds one allocation: of eight identical requests one wins and seven are told its version', async () => {
  const vlans = await domain(30, 60);
  const consumer = { service: 'test', kind: 'thing', id: 'the same' };
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => ask([{ what: 'number', domainId: vlans.id, count: 1 }], { consumer })),
  );
  expect(won(outcomes)).toHaveLength(1);
  expect(new Set(codes(outcomes))).toEqual(new Set(['version-mismatch']));
  expect((await listAllocations(deps, caller, { consumerId: 'the same', sort: 'id', limit: 50 })).items).toHaveLength(
    1,
  );
});

test('one key under eight clients takes once, and the answer is marked when it is a stored one', async () => {
  const vlans = await domain(61, 90);
  const consumer = { service: 'test', kind: 'thing', id: 'keyed' };
  const keyed: Caller = { ...caller, idempotency: { scope: 'test', key: newId(), fingerprint: 'f' } };
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => ask([{ what: 'number', domainId: vlans.id, count: 1 }], { consumer }, keyed)),
  );
  const answers = won(outcomes);
  expect(new Set(answers.map((a) => a.id)).size).toBe(1);
  expect(codes(outcomes).every((code) => code === 'idempotency-in-progress')).toBe(true);
  expect(await ask([{ what: 'number', domainId: vlans.id, count: 1 }], { consumer }, keyed)).toMatchObject({
    replayed: true,
  });
});

test('a dry run answers like the real one and leaves nothing', async () => {
  const vlans = await domain(100, 101);
  const dry = await ask([{ what: 'number', domainId: vlans.id, count: 2 }], {}, { ...caller, dryRun: true });
  expect(won([dry])[0]!.items.map((i) => i.number)).toEqual([100, 101]);
  expect(won([await ask([{ what: 'number', domainId: vlans.id, count: 2 }])])).toHaveLength(1);
});

test('an unknown environment, node, domain and block are refused by pointer, and a suspended tenant starts nothing', async () => {
  const vlans = await domain(110, 120);
  expect(await ask([{ what: 'node', nodeId: vlans.id.replace('ndm', 'nod') as never }])).toMatchObject({
    code: 'reference-not-found',
    facts: { pointer: '/items/0/nodeId' },
  });
  expect(await ask([{ what: 'address', blockId: vlans.id.replace('ndm', 'blk') as never, count: 1 }])).toMatchObject({
    code: 'reference-not-found',
  });
  const suspended = caller.scopes.map((scope) =>
    scope.kind === 'tenant' ? { ...scope, state: 'suspended' as const, version: 2 } : scope,
  );
  expect(
    codes([await ask([{ what: 'number', domainId: vlans.id, count: 1 }], {}, { ...caller, scopes: suspended })]),
  ).toEqual(['scope-not-active']);
  const resumed = caller.scopes.map((scope) => (scope.kind === 'tenant' ? { ...scope, version: 3 } : scope));
  expect(
    won([await ask([{ what: 'number', domainId: vlans.id, count: 1 }], {}, { ...caller, scopes: resumed })]),
  ).toHaveLength(1);
});

test('after all that no hold is without its item, no live item without its hold, and the sweep finds nothing twice', async () => {
  while ((await sweepAllocations(deps)) > 0);
  const [row] = await deps.db.platform.sql<{ orphans: number; unheld: number; overdue: number }>`
    select (select count(*)::int from number_hold h left join allocation_item i on i.id = h.item_id where h.free_at > now() and h.number_id is null and i.ended_at is not null) as orphans,
      (select count(*)::int from allocation_item i where i.what = 'number' and i.ended_at is null and not exists (select from number_hold h where h.item_id = i.id)) +
      (select count(*)::int from allocation_item i where i.what = 'address' and i.ended_at is null and not exists (select from address_hold h where h.item_id = i.id)) as unheld,
      (select count(*)::int from allocation a where a.ended_at is null and a.expires_at <= now()) as overdue`;
  expect(row).toEqual({ orphans: 0, unheld: 0, overdue: 0 });
});
