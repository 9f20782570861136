import type { ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { pathTo, tree } from './scope-tree.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(16);
});
afterEach(async () => expect(await s.broken()).toEqual([]));
afterAll(() => s.close());

const of = (nodeId: Id<'nod'>, amount: number, what = 'vcpu'): Item => ({
  what: 'capacity',
  nodeId,
  class: what,
  amount,
});
const replace = (held: Pick<Allocation, 'id'>, version: number, items: Item[]) =>
  orProblem(s.inventory.allocation.replace(s.caller, { id: held.id, version, items }));
type Operations = Parameters<Stand['inventory']['allocation']['batch']>[1]['operations'];
const batch = (...operations: Operations) => orProblem(s.inventory.allocation.batch(s.caller, { operations }));
const consumer = () => ({ service: 'test', kind: 'thing', id: newId() });

test('P15 P16 P17 who expects nothing gets a first version, and who expects wrongly is told', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const holder = consumer();
  expect(await s.ask([of(host, 1)], { consumer: holder, version: 5 })).toMatchObject({
    code: 'version-mismatch',
    facts: { currentVersion: 0, providedVersion: 5 },
  });
  expect(await s.take([of(host, 10)], { consumer: holder, version: 0 })).toMatchObject({ version: 1 });
  expect(await s.ask([of(host, 1)], { consumer: holder })).toMatchObject({
    code: 'version-mismatch',
    facts: { currentVersion: 1 },
  });
  expect(await s.used(host)).toBe(10);
});

test('P18 P19 another set counts instead of the old one, once', async () => {
  const host = await s.host([{ class: 'vcpu', total: 15 }]);
  const held = await s.take([of(host, 10)]);
  expect(await replace(held, 1, [of(host, 12)])).toMatchObject({ version: 2, items: [{ amount: 12 }] });
  expect(await replace(held, 1, [of(host, 13)])).toMatchObject({
    code: 'version-mismatch',
    facts: { currentVersion: 2 },
  });
  expect(await replace(held, 2, [of(host, 16)])).toMatchObject({ code: 'capacity-exhausted' });
  expect(await s.used(host)).toBe(12);
  expect(await s.inventory.allocation.get(s.caller, { id: held.id })).toMatchObject({
    version: 2,
    items: [{ amount: 12 }],
  });
});

test('P21 P22 P23 what is left out is given back, and an empty set gives all back: the holder may begin anew', async () => {
  const host = await s.host([
    { class: 'vcpu', total: 4 },
    { class: 'diskGib', total: 9 },
  ]);
  const holder = consumer();
  const held = await s.take([of(host, 2), of(host, 5, 'diskGib')], { consumer: holder });
  const [kept] = held.items;
  expect(await replace(held, 1, [of(host, 2)])).toMatchObject({
    version: 2,
    items: [{ id: kept?.id, fence: kept?.fence }],
  });
  expect([await s.used(host), await s.used(host, 'diskGib')]).toEqual([2, 0]);
  expect(await replace(held, 2, [])).toMatchObject({ state: 'released' });
  expect(await s.used(host)).toBe(0);
  expect(codeOf(await orProblem(s.inventory.allocation.release(s.caller, { id: held.id })))).toBe('not-found');
  expect(await s.take([of(host, 1)], { consumer: holder, version: 0 })).toMatchObject({ version: 1 });
});

test('what another set has in common with the old one stays as it is, of every kind of thing', async () => {
  const host = await s.host([{ class: 'vcpu', total: 4 }]);
  const server = await s.host([], 'server');
  const domain = await s.inventory.numberDomain.create(s.caller, { name: newId(), kind: 'vlan', coolDownSeconds: 600 });
  await s.inventory.numberRange.create(s.caller, { domainId: domain.id, start: 1, end: 9 });
  const number: Item = { what: 'number', domainId: domain.id };
  const held = await s.take([{ what: 'node', nodeId: server }, number, of(host, 1)]);
  const next = await replace(held, 1, [of(host, 3), { ...number, count: 2 }, { what: 'node', nodeId: server }]);
  const things = (items: Allocation['items']) => items.filter((item) => item.what !== 'capacity');
  const after = things((next as Allocation).items);
  expect(new Set(after.map((item) => item.number ?? item.nodeId))).toEqual(new Set([1, 2, server]));
  for (const item of things(held.items)) expect(after).toContainEqual(item);
  expect(await replace(held, 2, [{ ...number, number: 2 }])).toMatchObject({ items: [{ number: 2 }] });
  expect(codeOf(await s.ask([{ what: 'node', nodeId: server }]))).toBe('ok');
  expect(codeOf(await s.ask([{ ...number, number: 1 }]))).toBe('allocation-conflict');
});

test('of eight that replace one set at one version one wins', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const held = await s.take([of(host, 1)]);
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => replace(held, 1, [of(host, i + 2)])));
  expect(outcomes.map(codeOf).toSorted()).toEqual(['ok', ...Array.from({ length: 7 }, () => 'version-mismatch')]);
  const won = outcomes.find((each) => codeOf(each) === 'ok') as Allocation;
  expect(await s.used(host)).toBe(won.items[0]?.amount);
});

test('P24 one batch gives back in one project and takes the same in another: their counters move in the same step', async () => {
  const host = await s.host([{ class: 'vcpu', total: 5 }]);
  const one = tree(2, 1);
  const [a, b] = one.environments as [ScopeRow, ScopeRow];
  const caller = { ...s.caller, scopes: [...pathTo(one, a), ...pathTo(one, b)] };
  const holder = consumer();
  const held = await s.inventory.allocation.reserve(caller, {
    environmentId: a.id,
    consumer: holder,
    items: [of(host, 5)],
  });
  const { items } = await s.inventory.allocation.batch(caller, {
    operations: [
      { op: 'release', id: held.id, version: 1 },
      { op: 'create', environmentId: b.id, consumer: holder, items: [of(host, 5)] },
    ],
  });
  expect(items.map((each) => each.state)).toEqual(['released', 'active']);
  const use = async (id: ScopeRow['id']) => (await s.inventory.usage.now(caller, { scopeId: id })).own;
  expect((await use(a.parentId!)).map((each) => each.used)).toEqual([0]);
  expect((await use(b.parentId!)).map((each) => each.used)).toEqual([5]);
});

test('P29 P30 a batch of which one operation is refused does nothing, and says which', async () => {
  const host = await s.host([{ class: 'vcpu', total: 4 }]);
  const held = await s.take([of(host, 1)]);
  const create = (amount: number): Operations[number] => ({
    op: 'create',
    environmentId: held.environmentId,
    consumer: consumer(),
    items: [of(host, amount)],
  });
  expect(await batch(create(2), create(2))).toMatchObject({ code: 'capacity-exhausted', facts: { operationIndex: 1 } });
  expect(await batch(create(1), { op: 'replace', id: held.id, version: 9, items: [of(host, 2)] })).toMatchObject({
    code: 'version-mismatch',
    facts: { operationIndex: 1, currentVersion: 1 },
  });
  expect(await batch({ op: 'release', id: held.id }, { op: 'release', id: held.id })).toMatchObject({
    code: 'validation-failed',
    facts: { operationIndex: 1 },
  });
  expect(await batch()).toMatchObject({ code: 'validation-failed' });
  expect(await batch(...Array.from({ length: 101 }, () => create(1)))).toMatchObject({ code: 'validation-failed' });
  expect(await s.used(host)).toBe(1);
});

test('P32 P34 a move: nobody sees a moment in which the old place is free or taken twice, and a late end changes nothing', async () => {
  const [a, b] = [await s.host([{ class: 'vcpu', total: 3 }]), await s.host([{ class: 'vcpu', total: 1 }])];
  const instance = await s.take([of(a, 3)]);
  let over = false;
  const seen = new Set<string>();
  const rival: string[] = [];
  const watch = (async () => {
    while (!over) seen.add(String(await s.used(a)));
  })();
  const steal = (async () => {
    while (!over) rival.push(codeOf(await s.ask([of(a, 1)])));
  })();
  const moved = (await batch(
    { op: 'create', environmentId: instance.environmentId, consumer: consumer(), items: [of(a, 3)] },
    { op: 'replace', id: instance.id, version: 1, items: [of(b, 1)] },
  )) as { items: Allocation[] };
  over = true;
  await Promise.all([watch, steal]);
  expect(moved.items.map((each) => [each.items[0]?.nodeId, each.items[0]?.amount])).toEqual([
    [a, 3],
    [b, 1],
  ]);
  expect([...seen]).toEqual(['3']);
  expect(new Set(rival)).toEqual(new Set(['capacity-exhausted']));
  const migration = moved.items[0]!;
  expect(
    await batch(
      { op: 'replace', id: instance.id, version: 2, items: [of(b, 1)] },
      { op: 'replace', id: migration.id, version: 7, items: [] },
    ),
  ).toMatchObject({ code: 'version-mismatch', facts: { operationIndex: 1 } });
  expect(await s.inventory.allocation.get(s.caller, { id: instance.id })).toMatchObject({ version: 2 });
});

test('batches that swap what two holders have, from both sides at once, never lock each other out', async () => {
  const [a, b] = [await s.host([{ class: 'vcpu', total: 2 }]), await s.host([{ class: 'vcpu', total: 2 }])];
  const [one, two] = [await s.take([of(a, 2)]), await s.take([of(b, 2)])];
  const swap = async (first: Allocation, second: Allocation) => {
    const [x, y] = [
      await s.inventory.allocation.get(s.caller, { id: first.id }),
      await s.inventory.allocation.get(s.caller, { id: second.id }),
    ];
    const itemsOf = (each: Allocation) => each.items.map((item) => of(item.nodeId!, item.amount!));
    return batch(
      { op: 'replace', id: x.id, version: x.version, items: itemsOf(y) },
      { op: 'replace', id: y.id, version: y.version, items: itemsOf(x) },
    );
  };
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? swap(one, two) : swap(two, one))),
  );
  const codes = new Set(outcomes.map(codeOf));
  expect(codes.has('ok')).toBe(true);
  expect([...codes].every((code) => code === 'ok' || code === 'version-mismatch')).toBe(true);
  expect([await s.used(a), await s.used(b)]).toEqual([2, 2]);
});

test('a quota of a class counts amounts, and in a batch names who took too much', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const mine = tree(1, 1);
  const environment = mine.environments[0]!;
  const path = pathTo(mine, environment).map((scope) =>
    scope.kind === 'project' ? { ...scope, limits: [{ dimension: 'inventory.vcpu', limit: 10 }] } : scope,
  );
  const caller = { ...s.caller, scopes: path };
  const create = (amount: number): Operations[number] => ({
    op: 'create',
    environmentId: environment.id,
    consumer: consumer(),
    items: [of(host, amount)],
  });
  const asked = (...operations: Operations) => orProblem(s.inventory.allocation.batch(caller, { operations }));
  expect(await asked(create(4), create(7))).toMatchObject({
    code: 'quota-exceeded',
    facts: { dimension: 'inventory.vcpu', limit: 10, used: 0, requested: 11 },
  });
  expect(codeOf(await asked(create(4), create(6)))).toBe('ok');
  expect(await asked(create(1))).toMatchObject({ code: 'quota-exceeded', facts: { used: 10 } });
});

test('a dry run answers as the real one does, and changes no row', async () => {
  const host = await s.host([{ class: 'vcpu', total: 4 }]);
  const dry = { ...s.caller, dryRun: true };
  const rows = async () => {
    const [row] = await s.admin.unsafe(
      `select (select count(*) from inventory.allocation)::int as a, (select count(*) from inventory.allocation_item)::int as i,
        (select count(*) from inventory.feed)::int as f, (select sum(used + use_version) from inventory.capacity)::text as c`,
    );
    return row;
  };
  for (const amount of [3, 5, 1]) {
    const before = await rows();
    const tried = codeOf(await s.ask([of(host, amount)], {}, dry));
    expect(await rows()).toEqual(before);
    expect(codeOf(await s.ask([of(host, amount)]))).toBe(tried);
  }
});
