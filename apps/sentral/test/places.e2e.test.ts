import { defaultEnvironmentId, defaultTenantId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grant, house, made as madeBy, person } from './cast.js';
import { startServer, type Json, type TestServer } from './start-server.js';

// Two racks of two servers. Each server has two halves with a network card below the first, and the capacity lies in the halves.
let server: TestServer;
let site: string;
let racks: string[];
let servers: string[];
let pool: string;
const made = (at: string, body: object): Promise<Json> => madeBy(server.ask(at, { body }));
const node = async (kind: string, name: string, parentId?: string, more: object = {}): Promise<string> =>
  (await made('/v1/nodes', { kind, name, ...(parentId === undefined ? {} : { parentId }), ...more })).id;
beforeAll(async () => {
  server = await startServer();
  await made('/v1/traits', { key: 'fast', title: 'fast' });
  // Dedicated: a tenant searches among what is its own to see.
  site = await node('site', 'places', undefined, { tenantId: defaultTenantId });
  racks = [await node('rack', 'r0', site), await node('rack', 'r1', site)];
  servers = [];
  for (const at of [0, 1, 2, 3]) {
    const more = { ...(at % 2 === 0 ? { traits: ['fast'] } : {}), labels: { row: at < 2 ? 'a' : 'b' } };
    const host = await node('server', `s${at}`, racks[at < 2 ? 0 : 1], more);
    for (const half of [0, 1]) {
      const numa = await node('module', `numa${half}`, host);
      await made(`/v1/nodes/${numa}/capacities`, { class: 'vcpu', total: 8 });
      if (half > 0) continue;
      const card = await node('module', 'card', numa);
      await made(`/v1/nodes/${card}/capacities`, { class: 'milliGpu', total: 1_000 });
    }
    servers.push(host);
  }
  pool = (await made('/v1/pools', { name: 'places', tenantId: defaultTenantId, members: [{ nodeId: servers[1] }] })).id;
}, 120_000);
afterAll(() => server.stop());

let sent = 0;
const vcpu = (amount: number) => ({ class: 'vcpu', amount });
const find = (wish: object, query = '') =>
  server.ask(`/v1/environments/${defaultEnvironmentId}/placements${query}`, {
    body: { location: site, ...wish },
    ...(query === '' ? {} : { headers: { 'idempotency-key': `place-${sent}` } }),
  });
/** Which servers a wish may have, by their place in the list. */
const hostsOf = async (wish: object): Promise<number[]> => {
  const { status, body } = await find({ resources: [vcpu(1)], ...wish });
  expect({ wish, status, problem: body.code && body }).toEqual({ wish, status: 200 });
  return [...new Set((body.candidates as Json[]).map(({ hostId }) => servers.indexOf(hostId)))].toSorted(
    (a, b) => a - b,
  );
};
const consumer = () => ({ service: 'e2e', kind: 'place', id: `place-${(sent += 1)}` });
const allocate = (items: readonly object[], query = '') =>
  server.ask(`/v1/environments/${defaultEnvironmentId}/allocations${query}`, {
    body: { consumer: consumer(), items },
    headers: { 'idempotency-key': `place-${sent}` },
  });
const place = (wish: object) => ({ what: 'place', location: site, resources: [vcpu(1)], ...wish });
const hostOf = async (nodeId: string): Promise<number> =>
  servers.indexOf((await server.ask(`/v1/nodes/${nodeId}`)).body.parentId);
const freed = (...ids: string[]) =>
  Promise.all(ids.map((id) => server.ask(`/v1/allocations/${id}`, { method: 'DELETE' })));

test('each field of a placement keeps out what it says', async () => {
  const first = await allocate([place({ pools: [{ is: 'in', poolIds: [pool] }] })]);
  expect(await hostOf(first.body.items[0].nodeId)).toBe(1);
  const allocationIds = [first.body.id];
  const pools = (is: string) => [{ is, poolIds: [pool] }];
  const halves = (more: object) => ({ resources: [], ...more });
  const group = (name: string, amount: number) => ({ name, resources: [vcpu(amount)] });
  const card = { name: 'card', resources: [{ class: 'milliGpu', amount: 100 }] };
  const wishes: [object, number[]][] = [
    [{}, [0, 1, 2, 3]],
    [{ requiredTraits: ['fast'] }, [0, 2]],
    [{ forbiddenTraits: ['fast'] }, [1, 3]],
    [{ labelSelector: 'row=b' }, [2, 3]],
    [{ location: racks[1] }, [2, 3]],
    [{ pools: pools('in') }, [1]],
    [{ pools: pools('notIn') }, [0, 2, 3]],
    [{ near: { allocationIds } }, [1]],
    [{ near: { allocationIds, level: 'rack' } }, [0, 1]],
    [{ avoid: { allocationIds } }, [0, 2, 3]],
    [{ avoid: { allocationIds, level: 'rack' } }, [2, 3]],
    [{ spread: { level: 'rack', max: 1, with: allocationIds }, requiredTraits: ['fast'] }, [2]],
    [{ resources: [vcpu(9)] }, []],
    [halves({ groups: [group('a', 5), group('b', 5)], groupPolicy: 'isolate' }), [0, 1, 2, 3]],
    [halves({ groups: [group('a', 8), group('b', 8)], groupPolicy: 'isolate' }), [0, 2, 3]],
    [halves({ groups: [group('a', 8), card], groupPolicy: 'share', sameSubtree: [['a', 'card']] }), [0, 1, 2, 3]],
  ];
  for (const [wish, want] of wishes) {
    const got = await hostsOf(wish);
    // Half of a server is in use: which one is any, so a wish for all of the half with the card may miss it.
    const may = 'sameSubtree' in wish ? [want, [0, 2, 3]] : [want];
    expect({ wish, got, fits: may.some((each) => String(each) === String(got)) }).toMatchObject({ fits: true });
  }
  for (const [level, domains] of [
    ['rack', (at: number) => Math.floor(at / 2)],
    ['server', (at: number) => at],
  ] as const) {
    const count = level === 'rack' ? 2 : 4;
    const spread = { resources: [vcpu(2)], spread: { level, max: 1 } };
    const { status, body } = await allocate([place({ ...spread, count })]);
    expect([level, status]).toEqual([level, 201]);
    const at = await Promise.all(body.items.map((item: Json) => hostOf(item.nodeId)));
    expect(new Set(at.map(domains)).size).toBe(count);
    const more = await allocate([place({ ...spread, count: count + 1 })]);
    expect([more.status, more.body.code]).toEqual([409, 'capacity-exhausted']);
    await freed(body.id);
  }
  await freed(first.body.id);
});

test('another set is described as the first was: the holder moves to what it describes in one step', async () => {
  const first = await allocate([place({ location: racks[0] })]);
  const { status, body } = await server.ask(`/v1/allocations/${first.body.id}`, {
    method: 'PATCH',
    headers: { 'if-match': '"1"' },
    body: { items: [place({ location: racks[1], count: 2, spread: { level: 'server', max: 1 } })] },
  });
  expect([status, body.version]).toEqual([200, 2]);
  const now = (body.items as Json[]).filter(({ releasedAt }) => releasedAt === undefined);
  const at = await Promise.all(now.map(({ nodeId }) => hostOf(nodeId)));
  expect(at.toSorted((a, b) => a - b)).toEqual([2, 3]);
  const none = await server.ask(`/v1/allocations/${first.body.id}`, {
    method: 'PATCH',
    headers: { 'if-match': '"2"' },
    body: { items: [place({ resources: [vcpu(99)] })] },
  });
  expect([none.status, none.body.code, none.body.explanation.items[0].item]).toEqual([409, 'capacity-exhausted', 0]);
  await freed(first.body.id);
});

test('fewer places may be enough, and never more than are asked for', async () => {
  const some = (countMin: number) => [place({ location: racks[0], resources: [vcpu(8)], count: 4, countMin })];
  const [fault, tried] = await Promise.all([allocate(some(5)), allocate(some(5), '?dryRun=true')]);
  const batch = await server.ask('/v1/allocations/batch', {
    body: { operations: [{ op: 'create', environmentId: defaultEnvironmentId, consumer: consumer(), items: some(5) }] },
    headers: { 'idempotency-key': `place-${sent}` },
  });
  for (const { status, body } of [fault, tried, batch])
    expect([status, body.code, body.errors]).toEqual([
      422,
      'validation-failed',
      [{ pointer: '/items/0/countMin', code: 'out_of_bounds', message: 'must be at most count' }],
    ]);
  expect(batch.body.operationIndex).toBe(0);
  const taken = await allocate([place({ location: racks[0] })]);
  const enough = await allocate(some(3));
  expect([enough.status, enough.body.items.length]).toEqual([201, 3]);
  await freed(taken.body.id, enough.body.id);
});

test('what is tried by a batch or a search is kept for a minute with dryRun=hold', async () => {
  const create = (wish: object) => ({
    op: 'create',
    environmentId: defaultEnvironmentId,
    consumer: consumer(),
    items: [place(wish)],
  });
  const batch = (operations: readonly object[], key: string) =>
    server.ask('/v1/allocations/batch?dryRun=hold', { body: { operations }, headers: { 'idempotency-key': key } });
  const operations = [create({}), create({ location: racks[1] })];
  const held = await batch(operations, 'hold-batch');
  expect([held.status, held.headers.get('dry-run')]).toEqual([200, 'hold']);
  expect(held.body.items.map(({ state, ttlSeconds }: Json) => [state, ttlSeconds])).toEqual([
    ['held', 60],
    ['held', 60],
  ]);
  expect((await batch(operations, 'hold-batch')).headers.get('idempotency-replayed')).toBe('true');
  const [one, two] = held.body.items as [Json, Json];
  const mixed = await batch([create({}), { op: 'release', id: one.id }], 'hold-mixed');
  expect([mixed.status, mixed.body.errors[0].pointer]).toEqual([422, '/operations/1/op']);
  expect((await server.ask(`/v1/allocations/${two.id}/confirm`, { method: 'POST' })).body.state).toBe('active');

  const wish = { resources: [vcpu(2)], location: racks[0] };
  const kept = await find({ ...wish, consumer: consumer() }, '?dryRun=hold');
  expect([kept.status, kept.headers.get('dry-run'), kept.headers.get('location'), kept.body.state]).toEqual([
    201,
    'hold',
    `/v1/allocations/${kept.body.id}`,
    'held',
  ]);
  sent += 1;
  const whose = await find(wish, '?dryRun=hold');
  const nobody = await find({ ...wish, consumer: consumer() });
  expect([whose, nobody].map(({ status, body }) => [status, body.errors[0].pointer])).toEqual([
    [422, '/consumer'],
    [422, '/consumer'],
  ]);
  await freed(one.id, two.id, kept.body.id);
});

test('a host of nobody is told to who may read nodes, and to no tenant, which may be given it all the same', async () => {
  const home = await house(server, 'renter');
  const operator = await person(server, 'operator-renting');
  await grant(server, home, { to: operator, role: 'allocator' });
  const roles = { subject: { type: 'user', id: operator.id }, role: 'platform-operator' };
  await made('/v1/platform/roleBindings', roles);
  const shared = await node('server', 'shared');
  await made(`/v1/nodes/${shared}/capacities`, { class: 'memoryMib', total: 8 });
  const wish = { resources: [{ class: 'memoryMib', amount: 4 }] };
  const told = async ({ token }: { token: string }) => {
    const { status, body } = await server.ask(`/v1/environments/${home.environment}/placements`, { token, body: wish });
    return [status, body.candidates.map(({ hostId }: Json) => hostId)];
  };
  expect([await told(operator), await told(home.owner)]).toEqual([
    [200, [shared]],
    [200, []],
  ]);
  const asked = async ({ token }: { token: string }, amount: number) => {
    const { status, body } = await server.ask(`/v1/environments/${home.environment}/allocations`, {
      token,
      headers: { 'idempotency-key': `renting-${(sent += 1)}` },
      body: { consumer: consumer(), items: [{ what: 'place', resources: [{ class: 'memoryMib', amount }] }] },
    });
    if (body.refusalId === undefined) return status;
    const refusal = await server.ask(`/v1/refusals/${body.refusalId}`, { token });
    const { candidates, soleBlockers } = refusal.body.explanation.items[0];
    return [status, candidates, soleBlockers.map(({ filter }: Json) => filter)];
  };
  expect([await asked(operator, 16), await asked(home.owner, 16), await asked(home.owner, 4)]).toEqual([
    [409, 1, ['capacity']],
    [409, 0, []],
    201,
  ]);
});
