import { readFile } from 'node:fs/promises';
import type { Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, stand, type Allocation, type Offer, type Place, type Stand } from './stand.js';

/** Some requests of each set on a few servers in every run; all of them on all servers by command, see README. */
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] !== undefined;
const [servers, requests] = whole ? [Infinity, Infinity] : [8, 60];
/** The file says nothing of racks; four to a rack make domains that are too few for some. */
const perRack = 4;

const rowsOf = async (name: string): Promise<string[][]> =>
  (await readFile(new URL(`../../../fixtures/placement/${name}.csv`, import.meta.url), 'utf8'))
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
  readonly rack: number;
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
    all.push({ hostId, rack: Math.floor(at / perRack), halves });
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
    const { site, all } = await build();
    const halfOf = new Map(
      all.flatMap((server) => server.halves.map((half) => [half.nodeId, { server, half }] as const)),
    );
    const groups = new Map<string, Placed[]>();
    const told = { granted: 0, refused: 0 };
    for (const row of (await rowsOf(set)).slice(whole ? 0 : from, whole ? requests : from + requests)) {
      const [cores, gib, halves, strategy = '', name = '', domain = ''] = row;
      const wish = { cores: Number(cores), gib: Number(gib), halves: Number(halves), strategy, group: name, domain };
      const key = strategy === '' ? newId() : `${strategy}/${name}`;
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      const able = all.filter((server) => mayHave(server, wish, group));
      const got = await s.ask([asked(site, wish, group)]);
      if (codeOf(got) !== 'ok') {
        expect([codeOf(got), able.length]).toEqual(['capacity-exhausted', 0]);
        told.refused += 1;
        continue;
      }
      const { id, items } = got as Allocation;
      const places = items.map(({ nodeId, class: of, amount = 0 }) => ({ ...halfOf.get(nodeId!)!, of, amount }));
      const server = places[0]!.server;
      expect(able).toContain(server);
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
      told.granted += 1;
    }
    expect(told.refused).toBeGreaterThan(0);
    for (const { nodeId, cores } of all.flatMap((server) => server.halves)) {
      const { items } = await s.inventory.capacity.list(s.caller, { nodeId });
      const of = items.find((each) => each.class === 'vcpu');
      expect((of?.cap ?? 0) - (of?.used ?? 0)).toBe(cores);
    }
    if (whole) process.stdout.write(`${set}: ${JSON.stringify(told)}\n`);
  },
  whole ? 3_600_000 : 60_000,
);
