import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultScopes } from '@sentral/contracts/conformance/inventory-allocation';
import { inventoryConformance } from '@sentral/contracts/conformance/inventory';
import { createKit } from '@sentral/contracts/conformance/kit';
import type { Caller } from '@sentral/contracts/contract';
import { inventoryEvents, type InventoryEventName } from '@sentral/contracts/inventory-events';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { encodeId, type Id } from '@sentral/contracts/ids';
import { defaultEnvironmentId, defaultTenantId } from '@sentral/contracts/tenancy';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { numberFeed } from '@sentral/kernel/feed';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { announceFew } from '../src/allocation/announce.js';
import { beginFew } from '../src/allocation/begin.js';
import { healAll } from '../src/allocation/heal.js';
import { sweepAllocations } from '../src/allocation/sweep.js';
import type { Deps } from '../src/deps.js';
import { runNextImport } from '../src/import/worker.js';
import { quarantineFew } from '../src/node/scrub.js';
import { createInventory, type Inventory } from '../src/index.js';
import { listing } from './import/collect.js';
import { createTenancyOfKeys } from './import/harness.js';

const fixtures = new URL('../../../fixtures/', import.meta.url);
const fixture = (name: string): Promise<string> => readFile(new URL(name, fixtures), 'utf8');
const caller: Caller = {
  principal: { id: 'usr_test', type: 'user' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [...defaultScopes],
};

let place: TestDatabase;
let deps: Deps;
let inventory: Inventory;
let facts: readonly FeedItem[];
const tenancy = createTenancyOfKeys();

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'events-test', poolSize: 4 });
  deps = {
    db: { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') },
    now: () => new Date(),
    newId,
    telemetry: createTelemetry({ level: 'error' }),
  };
  inventory = createInventory(deps, { results: true });
  await everythingHappens();
  facts = await feed();
});
afterAll(async () => {
  await Promise.all(Object.values(deps?.db ?? {}).map((each: Database) => each.close()));
  await place?.drop();
});

/** The conformance suite, the files of three sources, and what neither of them brings about. */
async function everythingHappens(): Promise<void> {
  let numbering = true;
  const numbered = (async () => {
    for (; numbering; await sleep(20)) await numberFeed(deps.db.app, 'inventory', 1000).catch(() => undefined);
  })();
  for (const [at, { run }] of inventoryConformance.entries()) await run(inventory, createKit(`events${at}`));
  numbering = false;
  await numbered;
  await imported('netbox', await fixture('netbox/netbox-demo-v3.6.json'));
  await imported('library', await listing(new URL('devicetypes/', fixtures)));
  for (const name of ['rev-01', 'rev-02', 'rev-03']) await imported('plan', await fixture(`ipamplan/${name}.yaml`));
  const set = Object.entries(everyResource);
  const upsert = ([externalId, resource]: [string, object]): object => ({ op: 'upsert', externalId, resource });
  await imported('set', lines(set.map(upsert)));
  await imported('set', lines(set.map(([key, resource]) => upsert([key, { ...resource, ...changeOf(resource) }]))));
  await imported('set', lines(set.map(([externalId]) => ({ op: 'delete', externalId }))));
  await allocations();
}

/** One resource of each type, by key. */
const everyResource = {
  rack: { type: 'node', kind: 'rack', name: 'rack', attributes: { heightUnits: 42, startingUnit: 1 } },
  server: {
    type: 'node',
    kind: 'device',
    name: 'server',
    parent: 'rack',
    attributes: {},
    rack: { face: 'front', startHalfUnit: 0, heightHalfUnits: 2, fullDepth: true },
  },
  port: { type: 'node', kind: 'interface', name: 'eth0', parent: 'server', attributes: {} },
  socket: { type: 'node', kind: 'interface', name: 'eth1', parent: 'server', attributes: {} },
  cable: { type: 'edge', edgeType: 'connects', a: ['port'], b: ['socket'], attributes: {} },
  space: { type: 'addressSpace', name: 'set', attributes: {} },
  block: { type: 'addressBlock', space: 'space', cidr: '10.0.0.0/24', attributes: {} },
  range: { type: 'addressRange', space: 'space', start: '10.0.0.10', end: '10.0.0.20', attributes: {} },
  address: { type: 'address', space: 'space', address: '10.0.0.5', prefixLength: 24, node: 'server', attributes: {} },
  domain: { type: 'numberDomain', name: 'set', kind: 'vlan', pooled: true, attributes: {} },
  numbers: { type: 'numberRange', domain: 'domain', start: 100, end: 200 },
  number: { type: 'number', domain: 'domain', value: 7, name: 'seven', attributes: {} },
  reserved: { type: 'rackReservation', rack: 'rack', units: [10, 11], attributes: {} },
  profile: {
    type: 'deviceType',
    manufacturer: 'maker',
    model: 'One',
    slug: 'one',
    heightHalfUnits: 2,
    fullDepth: true,
    attributes: {},
    components: {},
  },
} as const;

const changeOf = (resource: { type: string; attributes?: object }): object =>
  resource.type === 'numberRange' ? { end: 300 } : { attributes: { ...resource.attributes, changed: true } };
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function imported(source: string, content: string): Promise<void> {
  const { id } = await inventory.import.create(caller, { source, format: 'changeset', mayMakeTenants: true });
  let chunks = 0;
  for (let at = 0; at < content.length; at += 500_000, chunks += 1)
    await inventory.import.stage(caller, { id, ordinal: chunks, content: content.slice(at, at + 500_000) });
  await inventory.import.start(caller, { id, chunks });
  await runNextImport(deps, tenancy.scope);
  expect((await inventory.import.get(caller, { id })).state, source).toBe('succeeded');
}

async function allocations(): Promise<void> {
  const domain = await inventory.numberDomain.create(caller, { name: 'events', kind: 'vlan' });
  await inventory.numberRange.create(caller, { domainId: domain.id, start: 1, end: 100 });
  const space = await inventory.addressSpace.create(caller, { name: 'events' });
  const parent = await inventory.addressBlock.create(caller, { spaceId: space.id, cidr: '10.8.0.0/16' });
  const reserve = (name: string, ttlSeconds: number, consumer = { service: 'test', kind: 'test', id: name }) =>
    inventory.allocation.reserve(caller, {
      environmentId: defaultEnvironmentId,
      consumer,
      items: [
        { what: 'number', domainId: domain.id },
        { what: 'block', blockId: parent.id, prefixLength: 24 },
      ],
      ttlSeconds,
      maxTtlSeconds: 600,
    });
  const { id } = await reserve('renewed', 60);
  await inventory.allocation.renew(caller, { id, ttlSeconds: 120 });
  await inventory.allocation.confirm(caller, { id });
  await inventory.allocation.release(caller, { id });
  const task = encodeId('tsk', newId());
  await reserve(task, 60, { service: 'sentral', kind: 'task', id: task });
  await inventory.allocation.bind(caller, { tenantId: defaultTenantId, taskId: task });
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const book = async (name: string) => {
    const { id: nodeId } = await inventory.node.register(caller, { kind: 'server', name });
    const window = { startsAt: inDays(1), endsAt: inDays(2) };
    const consumer = { service: 'test', kind: 'test', id: name };
    const asked = { environmentId: defaultEnvironmentId, consumer, items: [{ what: 'node' as const, nodeId }] };
    return { nodeId, id: (await inventory.allocation.reserve(caller, { ...asked, ...window })).id };
  };
  const { id: begun } = await book('begun');
  await inventory.allocation.replace(caller, { id: begun, endsAt: inDays(3), noticeSeconds: 4 * 86_400 });
  await inventory.node.amend(caller, { id: (await book('failed')).nodeId, patch: { intent: 'drain' } });
  const admin = openDatabase({ url: place.adminUrl, applicationName: 'events', poolSize: 1 });
  await admin.unsafe(`do $$ begin
    perform set_config('session_replication_role', 'replica', true);
    update inventory.allocation set starts_at = now() - interval '1 second', notice_at = case when notice_at is not null then now() - interval '1 second' end where state = 'booked';
  end $$`);
  await admin.close();
  expect([await beginFew(deps), await announceFew(deps)]).toEqual([2, 1]);
  await inventory.allocation.replace(caller, { id: begun, endsAt: inDays(9) });
  await scrubbing();
  await reserve('expired', 1);
  for (let swept = 0; swept === 0; swept = await sweepAllocations(deps))
    await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Three machines that are scrubbed: one is declared clean, one is not in time, and one fails while somebody has it, who gets the first, and then none. */
async function scrubbing(): Promise<void> {
  const pool = async (name: string) => {
    const { id } = await inventory.node.register(caller, { kind: 'switch', name, scrubs: true, cleaningSeconds: 1 });
    return id;
  };
  const take = (nodeId: Id<'nod'>, name: string) =>
    inventory.allocation.reserve(caller, {
      environmentId: defaultEnvironmentId,
      consumer: { service: 'test', kind: 'test', id: name },
      items: [{ what: 'node', nodeId }],
    });
  const [first, second] = [await pool('scrubbed'), await pool('late')];
  for (const nodeId of [first, second])
    await inventory.allocation.release(caller, { id: (await take(nodeId, nodeId)).id });
  await inventory.node.clean(caller, { id: first });
  for (let late = 0; late === 0; late = await quarantineFew(deps))
    await new Promise((resolve) => setTimeout(resolve, 100));
  await inventory.node.clean(caller, { id: second });
  const { id } = await take(first, 'healed');
  for (const [failed, flags] of [
    [first, ['resourcesChanged']],
    [second, ['resourcesChanged', 'missingResources']],
  ] as const) {
    await inventory.node.amend(caller, { id: failed, patch: { state: 'failed' } });
    expect(await healAll(deps)).toBe(1);
    expect((await inventory.allocation.get(caller, { id })).flags).toEqual(flags);
  }
}

async function feed(): Promise<readonly FeedItem[]> {
  while ((await numberFeed(deps.db.app, 'inventory', 1000)) > 0);
  const items: FeedItem[] = [];
  for (let more = true; more;) {
    const page = await inventory.feed.page(caller, { afterPos: items.at(-1)?.pos ?? 0, limit: 1000 });
    items.push(...page.items);
    ({ more } = page);
  }
  return items;
}

const nameOf = ({ type }: FeedItem): string => type.slice('inventory.'.length);

test('every public event that the contract lists happens, and no other', () => {
  expect([...new Set(facts.map(nameOf))].toSorted()).toEqual(Object.keys(inventoryEvents.events).toSorted());
});

test('every public event is what its schema says, whole and with nothing besides', () => {
  const wrong = facts.flatMap((fact) => {
    const read = v.safeParse(inventoryEvents.events[nameOf(fact) as InventoryEventName].data, fact.event);
    if (!read.success) return [`${fact.type} ${fact.resource.id}: ${v.summarize(read.issues)}`];
    const besides = Object.keys(fact.event ?? {}).filter((key) => !(key in (read.output as object)));
    return besides.length === 0 ? [] : [`${fact.type} ${fact.resource.id}: ${besides.join(' ')} besides`];
  });
  expect(facts.length).toBeGreaterThan(5000);
  expect(wrong.slice(0, 10)).toEqual([]);
});

test('the version of an event is that of its change', () => {
  expect(facts.filter(({ event, resource }) => event?.['version'] !== resource.version)).toEqual([]);
});

/** What is counted beside a resource, and when it was seen, moves without its version. */
const settled = (resource: object) => ({ ...resource, fence: 0, useVersion: 0, observedAt: '' });

test.each(['node', 'edge', 'addressBlock', 'address'] as const)(
  'what the last event of a %s told is what a read shows',
  async (noun) => {
    const last = new Map(
      facts.filter(({ type }) => type.startsWith(`inventory.${noun}.`)).map((f) => [f.resource.id, f]),
    );
    let cursor: string | undefined;
    let seen = 0;
    do {
      const page = await inventory[noun].list(caller, { limit: 500, ...(cursor === undefined ? {} : { cursor }) });
      for (const item of page.items) expect(settled(last.get(item.id)?.event ?? {})).toEqual(settled(item));
      seen += page.items.length;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(seen).toBeGreaterThan(10);
  },
);

test('whatever happens to an allocation, its audit part shows it as the fact before left it', () => {
  const last = new Map<string, FeedItem>();
  const unlike: unknown[] = [];
  for (const fact of facts.filter(({ type }) => type.startsWith('inventory.allocation.'))) {
    const { id, version } = fact.event as { id: string; version: number };
    const before = fact.audit?.['before'] as { version: number; items: unknown } | null;
    const { items } = (last.get(id)?.event ?? {}) as { items?: unknown };
    const said = before === null ? [0, undefined] : [before.version, before.items];
    if (JSON.stringify(said) !== JSON.stringify([version - 1, items])) unlike.push([fact.type, version, said, items]);
    last.set(id, fact);
  }
  expect(unlike).toEqual([]);
});

test('what an import ends is told with the keys it had, and its audit part shows it before and after', () => {
  const ended = facts.filter(
    ({ type, event }) => type === 'inventory.node.retired' && keyOf(event, 'set') !== undefined,
  );
  expect(ended.length).toBe(4);
  for (const { event, audit } of ended) {
    expect(event).toMatchObject({ state: 'retired', version: 3 });
    expect(audit).toMatchObject({ before: { state: 'available', version: 2 }, after: event });
  }
  const moved = facts.find(({ type, event }) => type === 'inventory.edge.amended' && keyOf(event, 'set') !== undefined);
  expect(moved?.audit).toMatchObject({ before: { a: moved?.event?.['a'], attributes: {} }, after: moved?.event });
});

test('a resource that an import makes, changes and ends is told of three times, in the words of its verbs', () => {
  const told: Record<string, string[]> = {};
  for (const { type, event } of facts) {
    const key = keyOf(event, 'set');
    if (key !== undefined) (told[key] ??= []).push(type);
  }
  const words: Partial<Record<string, [string, string, string]>> = {
    node: ['registered', 'amended', 'retired'],
    edge: ['connected', 'amended', 'disconnected'],
    deviceType: ['registered', 'amended', 'removed'],
    address: ['recorded', 'amended', 'removed'],
    number: ['recorded', 'amended', 'removed'],
  };
  const want = Object.entries(everyResource).map(([key, { type }]) => [
    key,
    (words[type] ?? ['created', 'amended', 'removed']).map((word) => `inventory.${type}.${word}`),
  ]);
  expect(told).toEqual(Object.fromEntries(want));
});

test('what is numbered while a page is read is in it, and is no gap', async () => {
  const before = facts.at(-1)?.pos ?? 0;
  await inventory.node.register(caller, { kind: 'site', name: 'late' });
  const { platform } = deps.db;
  let reads = 0;
  const overtaken: Database = {
    ...platform,
    unsafe: async (...query) => {
      const rows = await platform.unsafe(...query);
      if ((reads += 1) === 1) expect(await numberFeed(deps.db.app, 'inventory', 10)).toBe(1);
      return rows;
    },
  };
  const late = createInventory({ ...deps, db: { ...deps.db, platform: overtaken } }, { results: true });
  const { items } = await late.feed.page(caller, { afterPos: before, limit: 10 });
  expect(items.map(({ pos, type }) => [pos, type])).toEqual([[before + 1, 'inventory.node.registered']]);
});

function keyOf(event: FeedItem['event'], source: string): string | undefined {
  const keys = (event?.['externalIds'] ?? []) as { source: string; externalId: string }[];
  return keys.find((key) => key.source === source)?.externalId;
}
