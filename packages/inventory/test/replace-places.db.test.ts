import type { Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { newId } from '@sentral/kernel/id';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, orProblem, stand, type Allocation, type Item, type Place, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
  await s.inventory.trait.register(s.caller, { key: 'fast', title: 'fast' });
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

async function site(): Promise<Id<'nod'>> {
  return (await s.inventory.node.register(s.caller, { kind: 'site', name: newId() })).id;
}
async function server(parentId: Id<'nod'>, total = 0, traits: string[] = []): Promise<Id<'nod'>> {
  const { id } = await s.inventory.node.register(s.caller, { kind: 'server', name: newId(), parentId, traits });
  if (total > 0) await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [{ class: 'vcpu', total }] });
  return id;
}
const place = (location: Id<'nod'>, amount: number, more: Partial<Place> = {}): Place => ({
  what: 'place',
  location,
  resources: [{ class: 'vcpu', amount }],
  ...more,
});
const whole = (location: Id<'nod'>, count: number): Place => ({
  what: 'place',
  location,
  resources: [{ kind: 'server' }],
  count,
});
const replace = ({ id, version }: Allocation, items: (Item | Place)[], as = s.caller) =>
  orProblem(s.inventory.allocation.replace(as, { id, version, items }));
const living = (of: unknown) => (of as Allocation).items.filter(({ releasedAt }) => releasedAt === undefined);
const had = (of: unknown) => living(of).map(({ id, nodeId, amount, fence }) => [id, nodeId, amount, fence]);

test('what a holder has and the description still fits is kept, though nothing else is left', async () => {
  const here = await site();
  const [a, b] = [await server(here, 4), await server(here, 4)];
  const mine = await s.take([{ what: 'capacity', nodeId: a, class: 'vcpu', amount: 4 }]);
  await s.take([{ what: 'capacity', nodeId: b, class: 'vcpu', amount: 4 }]);
  const same = await replace(mine, [place(here, 4)]);
  expect([codeOf(same), had(same)]).toEqual(['ok', had(mine)]);
  // On the same host with another amount: what it had is free for itself.
  const less = (await replace(same as Allocation, [place(here, 3)])) as Allocation;
  expect([living(less).map(({ nodeId, amount }) => [nodeId, amount]), await s.used(a)]).toEqual([[[a, 3]], 3]);
  for (const strategy of ['pack', 'spread'] as const)
    expect(had(await replace(less, [place(here, 3, { strategy })], { ...s.caller, dryRun: true }))).toEqual(had(less));
});

test('what no longer fits the description is exchanged in one step, and several that do are kept beside what is new', async () => {
  const here = await site();
  const slow = await server(here, 4);
  const fast = await server(here, 4, ['fast']);
  const mine = await s.take([{ what: 'capacity', nodeId: slow, class: 'vcpu', amount: 2 }]);
  const moved = await replace(mine, [place(here, 2, { requiredTraits: ['fast'] })]);
  expect([living(moved).map(({ nodeId }) => nodeId), await s.used(slow), await s.used(fast)]).toEqual([[fast], 0, 2]);

  const there = await site();
  const servers = [await server(there), await server(there), await server(there)];
  const two = await s.take([servers[0]!, servers[2]!].map((nodeId) => ({ what: 'node', nodeId })));
  const three = await replace(two, [whole(there, 3)]);
  expect(
    living(three)
      .map(({ nodeId }) => String(nodeId))
      .toSorted(),
  ).toEqual(servers.map(String).toSorted());
  expect(had(three)).toEqual(expect.arrayContaining(had(two)));
  const none = await replace(three as Allocation, [whole(there, 4)]);
  expect(codeOf(none)).toBe('capacity-exhausted');
  expect(isProblem(none) && none.facts['explanation']).toMatchObject({
    items: [{ item: 0, needed: 4, waterfall: expect.arrayContaining([{ filter: 'capacity', remaining: 3 }]) }],
  });
  const one = await replace(three as Allocation, [whole(there, 1)]);
  expect(had(three)).toEqual(expect.arrayContaining(had(one)));
});

test('who comes with an old version is told so, whether there is a place or not', async () => {
  const here = await site();
  await server(here, 4);
  const mine = await s.take([place(here, 1)]);
  expect(codeOf(await replace({ ...mine, version: 7 }, [place(here, 1)]))).toBe('version-mismatch');
  expect(codeOf(await replace({ ...mine, version: 7 }, [place(here, 99)]))).toBe('version-mismatch');
});

test('a batch replaces by description beside what it creates; kept for a minute are creates alone', async () => {
  const here = await site();
  const a = await server(here, 4);
  const mine = await s.take([{ what: 'capacity', nodeId: a, class: 'vcpu', amount: 4 }]);
  const asked = (items: (Item | Place)[]) => ({
    op: 'create' as const,
    environmentId: defaultEnvironmentId,
    consumer: { service: 'test', kind: 'thing', id: newId() },
    items,
  });
  const { items } = await s.inventory.allocation.batch(s.caller, {
    operations: [
      { op: 'replace', id: mine.id, version: mine.version, items: [place(here, 1)] },
      asked([{ what: 'capacity', nodeId: a, class: 'vcpu', amount: 3 }]),
    ],
  });
  expect([items.map((each) => living(each).map(({ amount }) => amount)), await s.used(a)]).toEqual([[[1], [3]], 4]);

  const b = await server(here, 8);
  const held = await s.inventory.allocation.batch(s.caller, {
    operations: [asked([place(here, 4)]), asked([{ what: 'capacity', nodeId: b, class: 'vcpu', amount: 2 }])],
    hold: true,
  });
  expect(held.items.map(({ state, ttlSeconds }) => [state, ttlSeconds])).toEqual([
    ['held', 60],
    ['held', 60],
  ]);
  const refused = await orProblem(
    s.inventory.allocation.batch(s.caller, {
      operations: [asked([place(here, 1)]), { op: 'release', id: held.items[0]!.id }],
      hold: true,
    }),
  );
  expect(isProblem(refused) && refused.facts['errors']).toMatchObject([{ pointer: '/operations/1/op' }]);
  expect(await s.used(b)).toBe(6);
});
