import type { Id } from '@sentral/contracts/ids';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, orProblem, stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s?.close());

const node = async (kind: string, parentId?: Id<'nod'>) =>
  (
    await s.inventory.node.register(s.caller, {
      kind,
      name: `${kind}-${newId()}`,
      ...(parentId === undefined ? {} : { parentId }),
    })
  ).id;

test('what changed in a rack between two instants: what came, went, moved, was joined, given and edited, and nothing else', async () => {
  const { inventory, caller } = s;
  const [room, rack, other] = [await node('location'), await node('rack'), await node('rack')];
  const [stays, edited, moved, retired, comes] = [
    await node('server', rack),
    await node('server', rack),
    await node('server', rack),
    await node('server', rack),
    await node('server', other),
  ];
  const space = await inventory.addressSpace.create(caller, { name: `s-${newId()}` });
  const [ports, had] = [
    [await node('interface', stays), await node('interface', edited)] as const,
    await s.take([{ what: 'node', nodeId: stays }]),
  ];
  const block = await inventory.addressBlock.create(caller, { spaceId: space.id, cidr: '10.0.0.0/24', nodeId: rack });
  const from = await s.instant();
  expect((await inventory.node.changes(caller, { id: rack, from })).items).toEqual([]);

  await inventory.node.amend(caller, { id: edited, patch: { labels: { a: 'b' } } });
  await inventory.node.amend(caller, { id: moved, patch: { parentId: other } });
  await inventory.node.retire(caller, { id: retired });
  await inventory.node.amend(caller, { id: comes, patch: { parentId: rack } });
  const made = await node('server', rack);
  const cable = await inventory.edge.connect(caller, { edgeType: 'connects', a: [ports[0]], b: [ports[1]] });
  await inventory.addressBlock.remove(caller, { id: block.id });
  await inventory.allocation.release(caller, { id: had.id });
  const given = await s.take([{ what: 'node', nodeId: made }]);
  await inventory.node.amend(caller, { id: room, patch: { labels: { not: 'here' } } });
  const to = await s.instant();
  await inventory.node.amend(caller, { id: stays, patch: { labels: { too: 'late' } } });

  const found = await inventory.node.changes(caller, { id: rack, from, to });
  expect([found.from, found.to]).toEqual([from, to]);
  expect(found.nextCursor).toBeUndefined();
  expect(Object.fromEntries(found.items.map((each) => [each.id, [each.change, ...each.changedFields]]))).toEqual({
    [edited]: ['changed', '/labels'],
    [moved]: ['removed', '/parentId'],
    [retired]: ['removed', '/state'],
    [comes]: ['added', '/parentId'],
    [made]: ['added'],
    [cable.id]: ['added'],
    [block.id]: ['removed', '/endedAt', '/state'],
    [had.id]: ['removed', '/endedAt', '/items', '/state'],
    [given.id]: ['added'],
  });
  const of = (id: string) => found.items.find((each) => each.id === id);
  expect(of(moved)).toMatchObject({
    before: { parentId: rack },
    after: { parentId: other },
    fromVersion: 1,
    toVersion: 2,
  });
  expect(of(made)).toMatchObject({ type: 'node', toVersion: 1, after: { id: made } });
  expect(of(made)).not.toHaveProperty('before');

  // In pages, of some types, and the other way of asking: what is not told is as it was.
  const pages = [];
  let cursor: string | undefined;
  do {
    const page = await inventory.node.changes(caller, {
      id: rack,
      from,
      to,
      limit: 2,
      ...(cursor === undefined ? {} : { cursor }),
    });
    pages.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(pages).toEqual(found.items);
  const edges = await inventory.node.changes(caller, { id: rack, from, to, types: ['edge', 'allocation'] });
  expect(edges.items.map(({ type }) => type).toSorted()).toEqual(['allocation', 'allocation', 'edge']);
});

test('an end before its beginning, one to come and a node that is not there are refused', async () => {
  const id = await node('rack');
  const [from, to] = [await s.instant(), await s.instant()];
  const ask = (command: object) => orProblem(s.inventory.node.changes(s.caller, { id, from, ...command })).then(codeOf);
  expect([
    await ask({ from: to, to: from }),
    await ask({ to: new Date(Date.now() + 60_000).toISOString() }),
    await ask({ id: 'nod_01jdzzzzzzzzzzzzzzzzzzzzzz' }),
    await ask({ cursor: 'x' }),
  ]).toEqual(['invalid-parameter', 'invalid-parameter', 'not-found', 'invalid-cursor']);
});

test('a request is told the earliest start at which it fits, and fits then; what no time helps is refused with its reasons', async () => {
  const host = await s.host([{ class: 'vcpu', total: 10, maxUnit: 100 }]);
  const at = (minutes: number) => new Date(Math.ceil(Date.now() / 60_000) * 60_000 + minutes * 60_000).toISOString();
  const vcpu = (amount: number) => [{ what: 'capacity' as const, nodeId: host, class: 'vcpu', amount }];
  const ask = (amount: number, more: object = {}) =>
    s.inventory.allocation.earliest(s.caller, { environmentId: defaultEnvironmentId, items: vcpu(amount), ...more });
  expect(await ask(10)).toMatchObject({ asAsked: true });
  await s.take(vcpu(6), { endsAt: at(10) });
  await s.take(vcpu(7), { startsAt: at(30), endsAt: at(60) });
  const rows = await s.everyRow();
  expect(await ask(4)).toMatchObject({ asAsked: false, startsAt: at(60) });
  expect(await ask(3)).toMatchObject({ asAsked: true });
  const short = { startsAt: at(1), endsAt: at(16) };
  expect(await ask(8, short)).toEqual({ asAsked: false, startsAt: at(10), endsAt: at(25) });
  expect(await ask(4, { startsAt: at(1), endsAt: at(29) })).toMatchObject({ asAsked: true, startsAt: at(1) });
  expect(codeOf(await orProblem(ask(11)))).toBe('capacity-exhausted');
  expect(await s.everyRow()).toEqual(rows);
  expect(codeOf(await s.ask(vcpu(8), { startsAt: at(10), endsAt: at(25) }))).toBe('ok');
  // The search for a place knows windows too.
  const place = (window: object) =>
    s.inventory.placement.candidates(s.caller, {
      environmentId: defaultEnvironmentId,
      resources: [{ class: 'vcpu', amount: 9 }],
      location: host,
      ...window,
    });
  expect((await place({ startsAt: at(26), endsAt: at(30) })).candidates.map(({ hostId }) => hostId)).toEqual([host]);
  expect((await place({ startsAt: at(26), endsAt: at(31) })).candidates).toEqual([]);
  expect(codeOf(await orProblem(place({ startsAt: at(31), endsAt: at(26) })))).toBe('validation-failed');
});
