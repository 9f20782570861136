import { differences } from '@sentral/facts/compare';
import { deviceTypeFacts, deviceTypeSections } from '@sentral/facts/devicetypes';
import { planFacts, planSections } from '@sentral/facts/ipamplan';
import { netboxFacts } from '@sentral/facts/netbox';
import { halvesOf, topologyFacts, topologyLines } from '@sentral/facts/placement';
import { told, type KnownTenant, type Shown } from '@sentral/facts/told';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type Json, type TestServer } from './start-server.js';

// What an import made, asked of the public API alone: whole lists, and what Sentral computes of them.
const fixtures = path.resolve(import.meta.dirname, '../../../fixtures');
const fixture = (name: string): string => readFileSync(path.join(fixtures, name), 'utf8');
const expected = (name: string): Json => JSON.parse(fixture(`expected/${name}.json`));

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server.stop());

async function imported(source: string, format: string, file: string, key = source): Promise<Json> {
  const answer = await fetch(`${server.url}/v1/imports?source=${source}&format=${format}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: file,
  });
  const { id } = (await answer.json()) as Json;
  for (;;) {
    const { body } = await server.ask(`/v1/imports/${id}`);
    if (!['staging', 'queued', 'running'].includes(body.state)) return body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A list from its first page to its last. */
async function every(at: string): Promise<Json[]> {
  const items: Json[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await server.ask(`${at}${at.includes('?') ? '&' : '?'}limit=500${cursor}`);
    expect({ at, status }).toEqual({ at, status: 200 });
    items.push(...body.items);
    if (body.nextCursor === undefined) return items;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
}

const get = async (at: string): Promise<Json> => (await server.ask(at)).body;
/** Few enough at once for the pool, many enough not to wait for each. */
async function forEach<T>(list: readonly T[], ask: (each: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < list.length; at += 8) await Promise.all(list.slice(at, at + 8).map(ask));
}
const keyOf = (shown: Json): string => shown.externalIds[0]?.externalId;

describe('of the NetBox file', () => {
  const want = expected('netbox-demo-v3.6');
  let job: Json;
  let lists: Record<'nodes' | 'edges' | 'spaces' | 'blocks' | 'addresses' | 'domains' | 'ranges' | 'numbers', Json[]>;

  beforeAll(async () => {
    job = await imported('netbox', 'netbox', fixture('netbox/netbox-demo-v3.6.json'));
    const spaces = await every('/v1/addressSpaces');
    const domains = await every('/v1/numberDomains');
    const within = async (owners: Json[], list: (id: string) => string) =>
      (await Promise.all(owners.map(({ id }) => every(list(id))))).flat();
    lists = {
      nodes: await every('/v1/nodes?source=netbox'),
      edges: await every('/v1/edges'),
      spaces,
      blocks: await within(spaces, (id) => `/v1/addressSpaces/${id}/blocks`),
      addresses: await within(spaces, (id) => `/v1/addressSpaces/${id}/addresses`),
      domains,
      ranges: await within(domains, (id) => `/v1/numberDomains/${id}/ranges`),
      numbers: await within(domains, (id) => `/v1/numberDomains/${id}/numbers`),
    };
  }, 120_000);

  test('every row is counted, by its model', () => {
    expect(job).toMatchObject({ state: 'succeeded', percent: 100 });
    const counted: Record<string, number> = {};
    for (const [name, count] of Object.entries(job.counts as Record<string, number>)) {
      const model = /^(\w+\.\w+)\.\w+$/.exec(name)?.[1];
      if (model !== undefined) counted[model] = (counted[model] ?? 0) + count;
    }
    expect(counted).toEqual({ ...want.counts, ...want.ignoredRows });
  });

  test('trees, cables with their paths, prefixes, VLANs and owners are those of the file', async () => {
    const tenants = new Map<string, KnownTenant>();
    const byId = new Map((await every('/v1/tenants')).map((tenant) => [tenant.id, tenant]));
    for (const { externalId, id } of await every(`/v1/imports/${job.id}/results?outcome=created`)) {
      const tenant = byId.get(id);
      if (tenant !== undefined) tenants.set(externalId, { ...tenant, name: tenant.displayName });
    }
    const { resources } = told('netbox', Object.values(lists).flat() as Shown[], tenants);
    const skipped = new Map([['tenancy.tenantgroup', job.counts['tenancy.tenantgroup.skipped'] as number]]);
    const { counts: _, ignoredRows: __, racks: ___, ...facts } = netboxFacts({ resources, skipped, rejected: [] });
    const wanted = structuredClone(want);
    delete wanted.cabling.storedCablePaths;
    for (const caseOfInput of ['duplicatePrefixSameVrf', 'duplicateHostSameVrf', 'sameHostInSeveralVrfs'])
      delete wanted.ipam.awkward[caseOfInput];
    // No list shows ranges of addresses: what they take away is asked of each prefix below.
    for (const { ipam } of [wanted, facts as Json]) {
      for (const total of ['ranges', 'rangeAddresses']) delete ipam.totals[total];
      for (const prefix of ipam.prefixes)
        for (const field of ['rangeAddresses', 'availableAddresses', 'availableOutsideChildren']) delete prefix[field];
    }
    const sections = ['containment', 'containmentWithComponents', 'cabling', 'ipam', 'vlans', 'tenants'];
    expect(differences(wanted, facts, sections)).toEqual([]);
  });

  test('each rack shows what of it is taken, kept and free', async () => {
    const racks = lists.nodes.filter(({ kind }) => kind === 'rack');
    const wanted = new Map<string, Json>(want.racks.list.map((rack: Json) => [rack.key, rack]));
    expect(racks).toHaveLength(wanted.size);
    await forEach(racks, async (rack) => {
      const shown = await get(`/v1/nodes/${rack.id}/elevation`);
      const facts = wanted.get(keyOf(rack));
      const units = (face: string) =>
        (shown.claims as Json[])
          .filter((claim) => claim.layer === 'device' && claim.face === face)
          .reduce((sum, claim) => sum + claim.heightHalfUnits / 2, 0);
      expect({
        key: keyOf(rack),
        uHeight: shown.heightHalfUnits / 2,
        occupiedUnits: shown.occupiedHalfUnits / 2,
        reservedUnits: shown.reservedHalfUnits / 2,
        freeUnits: shown.freeHalfUnits / 2,
        largestFreeRun: shown.largestFreeHalfUnits / 2,
        occupiedFront: units('front'),
        occupiedRear: units('rear'),
        unpositioned: shown.unpositioned.length,
      }).toEqual({
        key: facts.key,
        uHeight: facts.uHeight,
        occupiedUnits: facts.occupiedUnits,
        reservedUnits: facts.reservedUnits,
        freeUnits: facts.freeUnits,
        largestFreeRun: facts.largestFreeRun,
        occupiedFront: facts.occupiedFront,
        occupiedRear: facts.occupiedRear,
        unpositioned: facts.unpositioned + facts.zeroU,
      });
    });
  });

  test('each prefix tells what of it is free, in addresses and in blocks', async () => {
    const wanted = new Map<string, Json>(want.ipam.prefixes.map((prefix: Json) => [prefix.key, prefix]));
    const prefixes = lists.blocks.filter((block) => wanted.has(keyOf(block)));
    expect(prefixes).toHaveLength(wanted.size);
    await forEach(prefixes, async (block) => {
      const shown = await get(`/v1/addressBlocks/${block.id}/available`);
      const facts = wanted.get(keyOf(block));
      expect({
        key: keyOf(block),
        usable: shown.usableAddresses,
        used: Number(shown.usedAddresses),
        available: shown.availableAddresses,
        outsideChildren: shown.availableOutsideChildren,
        first: shown.firstAvailable ?? null,
        blocks: shown.freeBlocks,
        largest: shown.largestFreePrefixLength ?? null,
        firstBlock: shown.firstFreeBlock ?? null,
      }).toEqual({
        key: facts.key,
        usable: facts.usableSize,
        used: facts.usedAddresses,
        available: facts.availableAddresses,
        outsideChildren: facts.availableOutsideChildren,
        first: facts.firstAvailable ?? null,
        blocks: facts.freeBlocks,
        largest: facts.largestFreeBlock ?? null,
        firstBlock: facts.firstFreeBlock ?? null,
      });
    });
  });

  test('each VLAN group tells what of it is free', async () => {
    const wanted = new Map<string, Json>(want.vlans.groups.map((group: Json) => [group.key, group]));
    const groups = lists.domains.filter((domain) => wanted.has(keyOf(domain)));
    expect(groups).toHaveLength(wanted.size);
    await forEach(groups, async (domain) => {
      const facts = wanted.get(keyOf(domain));
      expect(await get(`/v1/numberDomains/${domain.id}/available`)).toMatchObject({
        total: facts.totalIds,
        free: facts.freeIds,
        firstFree: facts.firstFree,
      });
    });
  });

  test('a walk down from a root finds what the lists say lies in it, and a cable leads from port to port', async () => {
    const below = new Map<string, Json[]>();
    for (const node of lists.nodes)
      if (node.parentId !== undefined) below.set(node.parentId, [...(below.get(node.parentId) ?? []), node]);
    const inside = (id: string): string[] => (below.get(id) ?? []).flatMap((node) => [node.id, ...inside(node.id)]);
    const roots = lists.nodes.filter(({ kind, parentId }) => kind === 'region' && parentId === undefined);
    expect(roots).toHaveLength(6);
    for (const { id } of roots) {
      const walked = (await every(`/v1/nodes/${id}/subtree`)).map((node) => node.id).filter((each) => each !== id);
      expect(new Set(walked)).toEqual(new Set(inside(id)));
      expect(walked).toHaveLength(inside(id).length);
    }
    const cables = lists.edges.filter(({ edgeType }) => edgeType === 'connects');
    expect(cables).toHaveLength(want.cabling.cables);
    await forEach(cables, async (cable) => {
      const way = await get(`/v1/paths?from=${cable.a[0]}&to=${cable.b[0]}`);
      expect((way.steps as Json[]).map((step) => step.node.id)).toEqual([cable.a[0], cable.b[0]]);
    });
  });
});

test('the device types of a library are those of its files', { timeout: 60_000 }, async () => {
  const folder = path.join(fixtures, 'devicetypes');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.ya?ml$/.test(name));
  const lines = names.toSorted().map((name) => JSON.stringify({ path: name, text: fixture(`devicetypes/${name}`) }));
  expect(await imported('library', 'devicetypes', `${lines.join('\n')}\n`)).toMatchObject({ state: 'succeeded' });
  const { resources } = told('library', await every('/v1/deviceTypes'), new Map());
  const facts = deviceTypeFacts({ resources, skipped: new Map(), rejected: [] });
  delete facts['awkward'];
  expect(differences(expected('devicetypes'), facts, deviceTypeSections)).toEqual([]);
});

test('the last revision of a prefix plan is as it was written', { timeout: 60_000 }, async () => {
  expect(await imported('plan', 'prefixplan', fixture('ipamplan/rev-18.yaml'))).toMatchObject({ state: 'succeeded' });
  const spaces = await every('/v1/addressSpaces');
  const blocks = (await Promise.all(spaces.map(({ id }) => every(`/v1/addressSpaces/${id}/blocks`)))).flat();
  const nodes = await every('/v1/nodes?source=plan');
  const { resources } = told('plan', [...spaces, ...blocks, ...nodes], new Map());
  const want = expected('ipamplan');
  want.aggregates = want.aggregates.map((aggregate: Json) => ({ key: aggregate.prefix, ...aggregate }));
  const facts = planFacts({ resources, skipped: new Map(), rejected: [] }, []) as Json;
  for (const list of ['outsideEveryAggregate', 'sameNameElsewhere']) {
    facts.awkward[list]?.sort();
    want.awkward[list]?.sort();
  }
  // How it became so is its history: packages/inventory/src/import/import.db.test.ts.
  for (const section of ['changes', 'changeTotals']) delete facts[section];
  const sections = planSections.filter((section) => !section.startsWith('change'));
  expect(differences(want, facts, [...sections, 'aggregates'])).toEqual([]);
});

// The first 48 racks of the file; SENTRAL_TEST_WHOLE_TRACE=1 takes all of its 1,024.
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] === '1';

test(
  'hosts lie in the racks that the topology says and offer what servers have, and the same file again changes nothing',
  async () => {
    const { topology } = expected(whole ? 'placement-topology' : 'placement-topology-48-racks');
    const [head = '', ...rows] = fixture('placement/topology.csv').trim().split('\n');
    const csv = [head, ...rows.filter((row) => whole || Number(row.split(',')[1]) < 48)].join('\n');
    const servers = halvesOf(fixture('placement/servers.csv'));
    const file = [...topologyLines(csv, servers)].join('');
    const count = 3 * topology.hosts + topology.racks + 1;
    const began = performance.now();
    const first = await imported('topology', 'changeset', file);
    const seconds = (performance.now() - began) / 1_000;
    expect(first).toMatchObject({ state: 'succeeded', counts: { created: count } });
    if (whole)
      process.stdout.write(`${count} rows in ${seconds.toFixed(1)} s, ${Math.round(count / seconds)} rows/s\n`);
    const nodes = await every('/v1/nodes?source=topology');
    const { resources } = told('topology', nodes as Shown[], new Map());
    expect(differences({ topology }, { topology: topologyFacts(resources) }, ['topology'])).toEqual([]);
    const cores = Array.from({ length: topology.hosts }, (_, at) =>
      servers[at % servers.length]!.map((half) => half.cores),
    );
    const offered = nodes.flatMap(({ capacities = [] }) =>
      capacities.flatMap((each: Json) => (each.class === 'vcpu' ? [each.total as number] : [])),
    );
    const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0);
    expect(sum(offered)).toBe(sum(cores.flat()));
    const again = await imported('topology', 'changeset', file, 'topology-again');
    expect(again).toMatchObject({ state: 'succeeded', counts: { unchanged: count } });
    expect(await every('/v1/nodes?source=topology')).toEqual(nodes);
  },
  whole ? 900_000 : 120_000,
);
