import { readFile } from 'node:fs/promises';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { halvesOf, topologyLines } from '@sentral/facts/placement';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runNextImport } from '../src/import/worker.js';
import { codeOf, stand, type Allocation, type Offer, type Place, type Stand } from './stand.js';

/** Some requests of each set on a few servers in every run; all of them on 17,387 hosts in 1,024 racks by command, see README. */
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] !== undefined;
const [servers, requests] = whole ? [Infinity, Infinity] : [8, 60];
/** In every run four make a rack: domains that are too few for some. */
const perRack = 4;

const textOf = (name: string): Promise<string> =>
  readFile(new URL(`../../../fixtures/placement/${name}.csv`, import.meta.url), 'utf8');
const rowsOf = async (name: string): Promise<string[][]> =>
  (await textOf(name))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));

/** Half of a server, as the oracle keeps it: what is free of it. */
interface Half {
  readonly nodeId: Id<'nod'>;
  cores: number;
  gib: number;
}
interface Server {
  readonly hostId: Id<'nod'>;
  readonly rack: string;
  readonly halves: readonly Half[];
}
interface Request {
  readonly cores: number;
  readonly gib: number;
  readonly halves: number;
  readonly strategy: string;
  readonly group: string;
  readonly domain: string;
}
interface Placed {
  readonly id: Allocation['id'];
  readonly server: Server;
  readonly domain: string;
}

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const node = async (kind: string, parentId?: Id<'nod'>): Promise<Id<'nod'>> =>
  (await s.inventory.node.register(s.caller, { kind, name: newId(), ...(parentId === undefined ? {} : { parentId }) }))
    .id;

/** All hosts of the topology, with the free halves of the servers in turn, in one import. */
async function imported(source: string): Promise<{ site: Id<'nod'>; all: Server[] }> {
  const halves = halvesOf(await textOf('servers'));
  const topology = await textOf('topology');
  const { id } = await s.inventory.import.create(s.caller, { source, format: 'changeset' });
  let chunks = 0;
  let content = '';
  const stage = async () => {
    await s.inventory.import.stage(s.caller, { id, ordinal: chunks, content });
    chunks += 1;
    content = '';
  };
  for (const line of topologyLines(topology, halves)) {
    if (content.length + line.length > 1_000_000) await stage();
    content += line;
  }
  await stage();
  await s.inventory.import.start(s.caller, { id, chunks });
  while (await runNextImport(s.deps));
  expect(await s.inventory.import.get(s.caller, { id })).toMatchObject({ state: 'succeeded' });
  const rows = await s.admin.unsafe(
    'select external_id as key, resource_id::text as id from inventory.external_id where source = $1',
    [source],
  );
  const idOf = new Map(rows.map(({ key, id: uuid }) => [String(key), encodeId('nod', String(uuid))]));
  const all = topology
    .trim()
    .split('\n')
    .slice(1)
    .map((row, at): Server => {
      const [host, rack = ''] = row.split(',');
      const free = halves[at % halves.length] ?? [];
      return {
        hostId: idOf.get(`host:${host}`)!,
        rack,
        halves: free.map((half, n) => ({ nodeId: idOf.get(`host:${host}/numa${n}`)!, ...half })),
      };
    });
  return { site: idOf.get('site')!, all };
}

/** Servers with two halves each, in racks of a site of their own. */
async function build(): Promise<{ site: Id<'nod'>; all: Server[] }> {
  const site = await node('site');
  const all: Server[] = [];
  let rackId = site;
  for (const [at, row] of (await rowsOf('servers')).slice(0, servers).entries()) {
    if (at % perRack === 0) rackId = await node('rack', site);
    const hostId = await node('server', rackId);
    const halves: Half[] = [];
    for (const [cores = 0, gib = 0] of [row.slice(0, 2).map(Number), row.slice(2).map(Number)]) {
      const nodeId = await node('module', hostId);
      const offers: Offer[] = [
        { class: 'vcpu', total: cores },
        { class: 'memoryMib', total: gib * 1_024 },
      ];
      // What has none of a class does not offer it.
      await s.inventory.capacity.set(s.caller, { nodeId, capacities: offers.filter(({ total }) => total > 0) });
      halves.push({ nodeId, cores, gib });
    }
    all.push({ hostId, rack: String(Math.floor(at / perRack)), halves });
  }
  return { site, all };
}

const fitsHalf = (half: Half, { cores, gib, halves }: Request): boolean =>
  half.cores >= cores / halves && half.gib >= gib / halves;

/** What a request may be given, by the rule alone: as many halves as it wants, beside its group as it asks. */
function mayHave(server: Server, wish: Request, group: readonly Placed[]): boolean {
  if (server.halves.filter((half) => fitsHalf(half, wish)).length < wish.halves) return false;
  switch (wish.strategy) {
    case 'affinity':
      return group.length === 0 || group.some((each) => each.server === server);
    case 'anti-affinity':
      return group.every((each) => each.server !== server);
    case 'fault_domain':
      return group.every((each) => each.domain === wish.domain || each.server.rack !== server.rack);
    default:
      return true;
  }
}

/** The same, as it is asked for. Only so many of a group can be named: the latest. */
function asked(site: Id<'nod'>, { cores, gib, halves, ...wish }: Request, group: readonly Placed[]): Place {
  const resources = [
    { class: 'vcpu', amount: cores / halves },
    { class: 'memoryMib', amount: (gib / halves) * 1_024 },
  ];
  const ids = (of: readonly Placed[]) => of.slice(-256).map(({ id }) => id);
  const others = group.filter(({ domain }) => wish.strategy === 'anti-affinity' || domain !== wish.domain);
  const avoids = others.length > 0 && wish.strategy !== 'affinity';
  const level = wish.strategy === 'fault_domain' ? { level: 'rack' } : {};
  return {
    what: 'place',
    location: site,
    groups: Array.from({ length: halves }, (_, at) => ({ name: `half-${at}`, resources })),
    ...(halves > 1 ? { groupPolicy: 'isolate' as const } : {}),
    ...(wish.strategy === 'affinity' && group.length > 0 ? { near: { allocationIds: ids(group) } } : {}),
    ...(avoids ? { avoid: { allocationIds: ids(others), ...level } } : {}),
  };
}

// From where all strategies come together.
test.each([
  ['requests-C1', 998],
  ['requests-C2', 1_998],
])(
  '%s: each gets halves that have it, beside its group as it asks, and none is refused that any server could take',
  async (set, from) => {
    const began = performance.now();
    const { site, all } = whole ? await imported(set) : await build();
    const built = performance.now();
    const halfOf = new Map(
      all.flatMap((server) => server.halves.map((half) => [half.nodeId, { server, half }] as const)),
    );
    const groups = new Map<string, Placed[]>();
    const told = { granted: 0, refused: 0 };
    const strategies: Record<string, number> = {};
    for (const row of (await rowsOf(set)).slice(whole ? 0 : from, whole ? requests : from + requests)) {
      const [cores, gib, halves, strategy = '', name = '', domain = ''] = row;
      const wish = { cores: Number(cores), gib: Number(gib), halves: Number(halves), strategy, group: name, domain };
      const key = strategy === '' ? newId() : `${strategy}/${name}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      const got = await s.ask([asked(site, wish, group)]);
      if (codeOf(got) !== 'ok') {
        expect([codeOf(got), all.some((server) => mayHave(server, wish, group))]).toEqual([
          'capacity-exhausted',
          false,
        ]);
        told.refused += 1;
        continue;
      }
      const { id, items } = got as Allocation;
      const places = items.map(({ nodeId, class: of, amount = 0 }) => ({ ...halfOf.get(nodeId!)!, of, amount }));
      const server = places[0]!.server;
      expect([mayHave(server, wish, group), wish]).toEqual([true, wish]);
      expect([new Set(places.map((each) => each.half)).size, new Set(places.map((each) => each.server)).size]).toEqual([
        wish.halves,
        1,
      ]);
      for (const { half, of, amount } of places) {
        if (of === 'vcpu') half.cores -= amount;
        else half.gib -= amount / 1_024;
        expect(Math.min(half.cores, half.gib)).toBeGreaterThanOrEqual(0);
      }
      group.push({ id, server, domain });
      strategies[strategy] = (strategies[strategy] ?? 0) + 1;
      told.granted += 1;
    }
    if (!whole) expect(told.refused).toBeGreaterThan(0);
    const halves = all.flatMap((server) => server.halves);
    const rows = await s.admin.unsafe(
      `select node_id::text as id, (cap - used)::float8 as free from inventory.capacity where class = 'vcpu' and node_id = any($1::uuid[])`,
      [halves.map(({ nodeId }) => decodeId('nod', nodeId))],
    );
    const free = new Map(rows.map((row) => [encodeId('nod', String(row['id'])), Number(row['free'])]));
    expect(halves.filter(({ nodeId, cores }) => (free.get(nodeId) ?? 0) !== cores)).toEqual([]);
    const seconds = (from: number, to: number) => Math.round((to - from) / 1_000);
    const [importing, placing] = [seconds(began, built), seconds(built, performance.now())];
    if (whole) process.stdout.write(`${set}: ${JSON.stringify({ ...told, strategies, importing, placing })}\n`);
  },
  whole ? 3_600_000 : 60_000,
);
