import type { Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, orProblem, stand, type Offer, type Place, type Stand } from './stand.js';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';

type Asked = Partial<Omit<Place, 'what' | 'count'>>;
type Node = Id<'nod'>;
type Found = Awaited<ReturnType<Stand['inventory']['placement']['candidates']>>;

let s: Stand;
beforeAll(async () => {
  s = await stand();
  for (const key of ['fast', 'slow', 'edge']) await s.inventory.trait.register(s.caller, { key, title: key });
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

/** A class of its own, so that what other tests offer is no candidate. */
async function ownClass(): Promise<string> {
  const key = `c${newId().replaceAll('-', '')}`;
  await s.inventory.resourceClass.create(s.caller, { key, title: 'For a test', unit: 'piece' });
  return key;
}

async function node(
  offers: readonly Offer[],
  { traits = [], parentId, kind = 'server' }: { traits?: string[]; parentId?: Node; kind?: string } = {},
): Promise<Node> {
  const { id } = await s.inventory.node.register(s.caller, {
    kind,
    name: newId(),
    traits,
    ...(parentId === undefined ? {} : { parentId }),
  });
  if (offers.length > 0) await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [...offers] });
  return id;
}

const find = (asked: Asked, limit = 50, explain = false): Promise<Found> =>
  s.inventory.placement.candidates(s.caller, { environmentId: defaultEnvironmentId, ...asked, limit, explain });
const refused = async (asked: Asked) => {
  const outcome = await orProblem(find(asked));
  const facts = 'facts' in outcome ? (outcome.facts as { errors?: { pointer: string }[]; pointer?: string }) : {};
  return [codeOf(outcome), facts.pointer ?? facts.errors?.[0]?.pointer];
};
/** For each candidate the nodes that serve it, in the order of what is asked. */
const takers = ({ candidates }: Found) => candidates.map(({ items }) => items.map((item) => item.nodeId));
const hosts = ({ candidates }: Found) => candidates.map(({ hostId }) => hostId).toSorted();
const sorted = (ids: readonly string[][]) => ids.map((each) => each.join(' ')).toSorted();

/** F is fast, S is slow, N is neither; each has four. */
async function three() {
  const of = await ownClass();
  const [f, slow, n] = [
    await node([{ class: of, total: 4 }], { traits: ['fast'] }),
    await node([{ class: of, total: 4 }], { traits: ['slow'] }),
    await node([{ class: of, total: 4 }]),
  ];
  return { of, f, slow, n, two: { resources: [{ class: of, amount: 2 }] } };
}

test('P58 who shares in a pool serves its members; without the mark, or outside of the pool, nobody is served', async () => {
  const [cpu, disk] = [await ownClass(), await ownClass()];
  const [host, shared] = [await node([{ class: cpu, total: 4 }]), await node([{ class: disk, total: 100 }])];
  const wish = {
    resources: [
      { class: cpu, amount: 1 },
      { class: disk, amount: 10 },
    ],
  };
  expect(hosts(await find(wish))).toEqual([]);
  const pool = await s.inventory.pool.create(s.caller, {
    name: newId(),
    members: [{ nodeId: host }, { nodeId: shared }],
  });
  expect(hosts(await find(wish))).toEqual([]);
  const members = [{ nodeId: host }, { nodeId: shared, shares: true }];
  await s.inventory.pool.amend(s.caller, { id: pool.id, version: pool.version, patch: { members } });
  const found = await find(wish);
  expect(takers(found)).toEqual([[host, shared]]);
  expect(found.providers.map(({ nodeId }) => nodeId).toSorted()).toEqual([host, shared].toSorted());
  // The other way round: the disk is asked for first, and it is still the host that is the place.
  expect(takers(await find({ resources: wish.resources.toReversed() }))).toEqual([[shared, host]]);
  const taken = await s.take([{ what: 'place', ...wish }]);
  expect(taken.items.map((item) => [item.nodeId, item.amount])).toEqual([
    [host, 1],
    [shared, 10],
  ]);
  const { items } = await s.inventory.pool.capacity(s.caller, { id: pool.id });
  expect(items.find((item) => item.class === disk)).toMatchObject({
    providers: 1,
    cap: 100,
    used: 10,
    free: 90,
    largestFree: 90,
  });
  await s.inventory.pool.remove(s.caller, { id: pool.id });
  expect(hosts(await find(wish))).toEqual([]);
});

test('P59 a trait that is required, forbidden, or one of several', async () => {
  const { two, f, slow, n } = await three();
  expect(hosts(await find(two))).toEqual([f, slow, n].toSorted());
  expect(hosts(await find({ ...two, requiredTraits: ['fast'] }))).toEqual([f]);
  expect(hosts(await find({ ...two, forbiddenTraits: ['fast'] }))).toEqual([slow, n].toSorted());
  expect(hosts(await find({ ...two, requiredTraits: [{ anyOf: ['fast', 'slow'] }] }))).toEqual([f, slow].toSorted());
  const none = await find({ ...two, requiredTraits: ['fast', 'slow'] });
  expect(none.candidates).toEqual([]);
  const traits = none.waterfall?.find(({ filter }) => filter === 'traits');
  expect(traits).toEqual({ filter: 'traits', left: 0, lifted: 3 });
});

test('P60 what contradicts itself, is unknown or is nothing is refused, and where it stands', async () => {
  const { two, of } = await three();
  expect(await refused({ ...two, requiredTraits: ['fast'], forbiddenTraits: ['fast'] })).toEqual([
    'validation-failed',
    '/requiredTraits/0',
  ]);
  expect(await refused({ ...two, requiredTraits: ['fast', 'unheard-of'] })).toEqual([
    'reference-not-found',
    '/requiredTraits/1',
  ]);
  expect(await refused({ resources: [{ class: 'unheardOf', amount: 1 }] })).toEqual([
    'reference-not-found',
    '/resources/0/class',
  ]);
  expect(await refused({ resources: [{ class: of, amount: 0 }] })).toEqual([
    'validation-failed',
    '/resources/0/amount',
  ]);
  expect(await refused({ resources: [] })).toEqual(['validation-failed', '/resources']);
  expect(await refused({ ...two, labelSelector: 'a in' })).toEqual(['unsupported-filter', undefined]);
  expect(await refused({ ...two, spread: { level: 'interface' } })).toEqual(['validation-failed', '/spread/level']);
  expect(codeOf(await orProblem(find(two, 0)))).toBe('validation-failed');
  expect(codeOf(await orProblem(find(two, 'x' as never)))).toBe('validation-failed');
});

test('P61 P62 an offer is held to its smallest and largest amount and to what is left, and what is offered can be taken', async () => {
  const { of, f, slow, n } = await three();
  const offer = { class: of, total: 4, minUnit: 2, maxUnit: 3 };
  await s.inventory.capacity.set(s.caller, { nodeId: n, capacities: [offer] });
  const ask = (amount: number) => find({ resources: [{ class: of, amount }] });
  expect(hosts(await ask(1))).not.toContain(n);
  expect(hosts(await ask(4))).toEqual([f, slow].toSorted());
  await s.take([{ what: 'capacity', nodeId: f, class: of, amount: 3 }]);
  const two = await ask(2);
  expect(hosts(two)).toEqual([slow, n].toSorted());
  for (const { items } of two.candidates)
    await s.take(
      items.map((item) => {
        if (item.what !== 'capacity') throw new Error('an amount was asked for');
        return { what: item.what, nodeId: item.nodeId, class: item.class, amount: item.amount };
      }),
    );
});

test('P63 in one pool, in one of two, in none, in both', async () => {
  const { two, f, slow, n } = await three();
  const pool = async (nodeId: Node) =>
    (await s.inventory.pool.create(s.caller, { name: newId(), members: [{ nodeId }] })).id;
  const [g1, g2] = [await pool(f), await pool(slow)];
  expect(hosts(await find({ ...two, pools: [{ is: 'in', poolIds: [g1] }] }))).toEqual([f]);
  expect(hosts(await find({ ...two, pools: [{ is: 'in', poolIds: [g1, g2] }] }))).toEqual([f, slow].toSorted());
  expect(hosts(await find({ ...two, pools: [{ is: 'notIn', poolIds: [g1] }] }))).toEqual([slow, n].toSorted());
  const both = [g1, g2].map((each) => ({ is: 'in' as const, poolIds: [each] }));
  expect(hosts(await find({ ...two, pools: both }))).toEqual([]);
});

/** A host with two NUMA nodes, each with a card in it. */
async function numa() {
  const [cpu, x, vf] = [await ownClass(), await ownClass(), await ownClass()];
  const host = await node([{ class: cpu, total: 8 }], { traits: ['edge'] });
  const part = (of: string, parentId: Node, kind: string) => node([{ class: of, total: 2 }], { parentId, kind });
  const [numa0, numa1] = [await part(x, host, 'module'), await part(x, host, 'module')];
  const [nic0, nic1] = [await part(vf, numa0, 'interface'), await part(vf, numa1, 'interface')];
  const group = (name: string, of: string, amount = 1) => ({ name, resources: [{ class: of, amount }] });
  return { cpu, x, vf, host, numa0, numa1, nic0, nic1, group };
}

test('P64 what is asked for may come from different nodes of one host', async () => {
  const { cpu, x, host, numa0, numa1 } = await numa();
  const found = await find({
    resources: [
      { class: cpu, amount: 1 },
      { class: x, amount: 1 },
    ],
  });
  expect(sorted(takers(found))).toEqual(
    sorted([
      [host, numa0],
      [host, numa1],
    ]),
  );
});

test('P65 two groups may share a node or must be apart, and it has to be said which', async () => {
  const { x, group } = await numa();
  const groups = [group('a', x), group('b', x)];
  expect((await find({ groups, groupPolicy: 'share' })).candidates).toHaveLength(4);
  const apart = await find({ groups, groupPolicy: 'isolate' });
  expect(apart.candidates).toHaveLength(2);
  expect(takers(apart).every(([a, b]) => a !== b)).toBe(true);
  expect(await refused({ groups })).toEqual(['validation-failed', '/groupPolicy']);
});

test('P66 in the same subtree, a card goes with the processor that it hangs on', async () => {
  const { x, vf, numa0, numa1, nic0, nic1, group } = await numa();
  const wish = { groups: [group('cpu', x), group('nic', vf)], groupPolicy: 'share' as const };
  expect((await find(wish)).candidates).toHaveLength(4);
  expect(sorted(takers(await find({ ...wish, sameSubtree: [['cpu', 'nic']] })))).toEqual(
    sorted([
      [numa0, nic0],
      [numa1, nic1],
    ]),
  );
});

test('P67 a combination over what a node has, or gives at once, is never offered', async () => {
  const { x, numa0, numa1, group } = await numa();
  const found = await find({ groups: [group('a', x, 2), group('b', x, 2)], groupPolicy: 'share' });
  expect(sorted(takers(found))).toEqual(
    sorted([
      [numa0, numa1],
      [numa1, numa0],
    ]),
  );
  for (const nodeId of [numa0, numa1])
    await s.inventory.capacity.set(s.caller, { nodeId, capacities: [{ class: x, total: 9, maxUnit: 2 }] });
  const ones = await find({ groups: [group('a', x, 1), group('b', x, 2)], groupPolicy: 'share' });
  expect(takers(ones).every(([a, b]) => a !== b)).toBe(true);
});

test('P68 a trait of the host itself is asked for, or ruled out', async () => {
  const { x, host } = await numa();
  const other = await node([], {});
  const part = await node([{ class: x, total: 2 }], { parentId: other, kind: 'module' });
  const one = { resources: [{ class: x, amount: 1 }] };
  expect([...new Set(hosts(await find({ ...one, requiredTraits: ['edge'] })))]).toEqual([host]);
  expect(takers(await find({ ...one, forbiddenTraits: ['edge'] }))).toEqual([[part]]);
});

test('P69 as many as are asked for, each with what its nodes have', async () => {
  const of = await ownClass();
  const nodes = [];
  for (let n = 0; n < 5; n += 1) nodes.push(await node([{ class: of, total: 4 }]));
  const wish = { resources: [{ class: of, amount: 1 }] };
  expect((await find(wish, 1)).candidates).toHaveLength(1);
  const { candidates, providers } = await find(wish, 10);
  expect(candidates).toHaveLength(5);
  expect(providers).toHaveLength(5);
  for (const each of providers)
    expect(each).toMatchObject({ rootId: each.nodeId, capacities: [{ class: of, cap: 4, used: 0, free: 4 }] });
});

test('every fitting host is offered over a run, and the fullest, the emptiest or the most even one when that is asked for', async () => {
  const [of, ram] = [await ownClass(), await ownClass()];
  const nodes: Node[] = [];
  for (let n = 0; n < 4; n += 1) {
    nodes.push(
      await node([
        { class: of, total: 10 },
        { class: ram, total: 10 },
      ]),
    );
  }
  const wish = {
    resources: [
      { class: of, amount: 1 },
      { class: ram, amount: 1 },
    ],
  };
  const first = new Set<string>();
  for (let n = 0; n < 80 && first.size < 4; n += 1) first.add((await find(wish, 1)).candidates[0]?.hostId ?? '');
  expect([...first].toSorted()).toEqual(nodes.toSorted());
  const [a, b, c] = nodes as [Node, Node, Node];
  await s.take([{ what: 'capacity', nodeId: a, class: of, amount: 8 }]);
  await s.take([{ what: 'capacity', nodeId: b, class: of, amount: 5 }]);
  await s.take([{ what: 'capacity', nodeId: b, class: ram, amount: 5 }]);
  await s.take([{ what: 'capacity', nodeId: c, class: ram, amount: 3 }]);
  const best = async (strategy: 'pack' | 'spread' | 'balanced') =>
    (await find({ ...wish, strategy }, 1)).candidates[0]?.hostId;
  expect(await best('pack')).toBe(b);
  expect(await best('spread')).toBe(nodes[3]);
  expect(await best('balanced')).toBe(b);
});

test('places keep apart by failure domain, with what others have there, near or far from them', async () => {
  const of = await ownClass();
  const site = await node([], { kind: 'site' });
  const racks: Node[] = [];
  for (let n = 0; n < 3; n += 1) racks.push(await node([], { kind: 'rack', parentId: site }));
  const inRack = new Map<string, Node>();
  for (const rack of racks)
    for (let n = 0; n < 2; n += 1) inRack.set(await node([{ class: of, total: 2 }], { parentId: rack }), rack);
  const wish = { resources: [{ class: of, amount: 1 }], location: site };
  const spread = { level: 'rack', max: 1 };
  const found = await find({ ...wish, spread });
  expect(found.candidates.map(({ domainId }) => domainId ?? '').toSorted()).toEqual(racks.toSorted());
  const rackOf = (taken: { items: { nodeId?: string | undefined }[] }) =>
    taken.items.map((item) => inRack.get(item.nodeId ?? '') as Node);
  const three = await s.take([{ what: 'place', ...wish, spread, count: 3 }]);
  expect(rackOf(three).toSorted()).toEqual(racks.toSorted());
  // The fourth finds each rack taken.
  const fourth = { ...spread, with: [three.id] };
  expect((await find({ ...wish, spread: fourth })).candidates).toEqual([]);
  const none = await s.ask([{ what: 'place', ...wish, spread: fourth }]);
  expect(codeOf(none)).toBe('capacity-exhausted');
  const two = { level: 'rack', max: 2, with: [three.id] };
  expect(rackOf(await s.take([{ what: 'place', ...wish, spread: two, count: 3 }])).toSorted()).toEqual(
    racks.toSorted(),
  );

  const held = await s.take([{ what: 'place', ...wish }]);
  const [home] = rackOf(held);
  const allocationIds = [held.id];
  const near = await find({ ...wish, near: { allocationIds, level: 'rack' } });
  expect(near.candidates.every(({ hostId }) => inRack.get(hostId) === home)).toBe(true);
  expect(near.candidates.length).toBeGreaterThan(0);
  const far = await find({ ...wish, avoid: { allocationIds, level: 'rack' } });
  expect(far.candidates.some(({ hostId }) => inRack.get(hostId) === home)).toBe(false);
  const apart = await find({ ...wish, avoid: { allocationIds } });
  expect(hosts(apart)).not.toContain(held.items[0]?.nodeId);
});

test('whole nodes of a kind are found while nobody has them or a part of them, and taken where they are told to be', async () => {
  const [of, tier] = [await ownClass(), newId()];
  const site = await node([], { kind: 'site' });
  const servers: Node[] = [];
  for (let n = 0; n < 4; n += 1) servers.push(await node([{ class: of, total: 2 }], { parentId: site }));
  const [first, second] = servers as [Node, Node];
  await s.inventory.node.amend(s.caller, { id: first, patch: { labels: { tier } } });
  await s.take([{ what: 'capacity', nodeId: second, class: of, amount: 1 }]);
  const wish = { resources: [{ kind: 'server', count: 2 }], location: site };
  expect(hosts(await find(wish))).toEqual(servers.filter((id) => id !== second).toSorted());
  expect(hosts(await find({ ...wish, labelSelector: `tier=${tier}` }))).toEqual([first]);
  const taken = await s.take([{ what: 'place', ...wish }]);
  expect(taken.items).toHaveLength(2);
  expect(hosts(await find(wish))).toHaveLength(1);
  // One is left where two are asked for: none is taken, and it is told what is in the way.
  const refusal = await s.ask([{ what: 'place', ...wish }]);
  expect(codeOf(refusal)).toBe('capacity-exhausted');
  expect(isProblem(refusal) && refusal.facts['explanation']).toMatchObject({
    items: [
      {
        item: 0,
        needed: 2,
        waterfall: [
          { filter: 'inService' },
          { filter: 'location', remaining: 4 },
          { filter: 'capacity', remaining: 1 },
        ],
      },
    ],
  });
  expect(hosts(await find(wish))).toHaveLength(1);
});

test('of many that want the last places each finds one until there are none, whatever order they would like', async () => {
  const of = await ownClass();
  for (let n = 0; n < 6; n += 1) await node([{ class: of, total: 4 }]);
  const wish = { resources: [{ class: of, amount: 2 }] };
  const strategies = [undefined, 'pack', 'spread', 'balanced'] as const;
  const outcomes = await Promise.all(
    Array.from({ length: 32 }, (_, n) => {
      const strategy = strategies[n % 4];
      return s.ask([{ what: 'place', ...wish, ...(strategy === undefined ? {} : { strategy }) }]);
    }),
  );
  const codes = outcomes.map(codeOf);
  expect(codes.filter((code) => code === 'ok')).toHaveLength(12);
  expect(codes.filter((code) => code === 'capacity-exhausted')).toHaveLength(20);
  expect((await find(wish)).candidates).toEqual([]);
}, 60_000);

test('what ran out and nobody has swept is a place again, for who looks and for who takes', async () => {
  const of = await ownClass();
  const host = await node([{ class: of, total: 1 }]);
  const wish = { resources: [{ class: of, amount: 1 }] };
  await s.ask([{ what: 'place', ...wish }], { ttlSeconds: 1 });
  expect(hosts(await find(wish))).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(hosts(await find(wish))).toEqual([host]);
  await s.take([{ what: 'place', ...wish }]);
});
