import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const allocations = `/v1/environments/${defaultEnvironmentId}/allocations`;
let sent = 0;

const wish = (items: readonly object[], consumer = 'anyone') => ({
  consumer: { service: 'e2e', kind: 'client', id: consumer },
  items,
});
const allocate = (items: readonly object[], { key = `key-${(sent += 1)}`, consumer = `client-${sent}` } = {}) =>
  server.ask(allocations, { body: wish(items, consumer), headers: { 'idempotency-key': key } });

const together = <T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)));
const withStatus = (answers: readonly Answer<Json>[], status: number) =>
  answers.filter((answer) => answer.status === status);
const codesOf = (answers: readonly Answer<Json>[]) =>
  [...new Set(answers.map(({ status, body }) => `${status} ${body.code ?? body.state}`))].toSorted();

async function made(at: string, body: object): Promise<Json> {
  const answer = await server.ask(at, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

async function blockOf(cidr: string) {
  const space = await made('/v1/addressSpaces', { name: `space-${(sent += 1)}` });
  return { space, block: await made(`/v1/addressSpaces/${space.id}/blocks`, { cidr }) };
}

describe('many ask for the same scarce thing at once', () => {
  test('sixty-four clients empty a /24 with thirty recorded addresses: two hundred and twenty-four are given, none twice, none of the thirty', async () => {
    const { space, block } = await blockOf('10.60.0.0/24');
    const recorded = Array.from({ length: 30 }, (_, at) => `10.60.0.${10 + at}`);
    for (const address of recorded)
      await made(`/v1/addressSpaces/${space.id}/addresses`, { address, prefixLength: 24 });

    const answers = (
      await together(64, async () => {
        const mine: Answer<Json>[] = [];
        do mine.push(await allocate([{ what: 'address', blockId: block.id }]));
        while (mine.at(-1)!.status === 201);
        return mine;
      })
    ).flat();

    expect(codesOf(answers)).toEqual(['201 active', '409 capacity-exhausted']);
    const given = withStatus(answers, 201).map(({ body }) => body.items[0].address as string);
    expect(given).toHaveLength(224);
    expect(new Set(given).size).toBe(224);
    expect(given.filter((address) => [...recorded, '10.60.0.0', '10.60.0.255'].includes(address))).toEqual([]);
    expect((await server.ask(`/v1/addressBlocks/${block.id}/available`)).body.availableAddresses).toBe('0');
  });

  test('of fifty that want one server, one gets it and forty-nine are told who has it', async () => {
    const site = await made('/v1/nodes', { kind: 'site', name: 'narvik' });
    const node = await made('/v1/nodes', { kind: 'server', name: 'wanted', parentId: site.id });
    const answers = await together(50, () => allocate([{ what: 'node', nodeId: node.id }]));
    expect(codesOf(answers)).toEqual(['201 active', '409 allocation-conflict']);
    const [winner, ...others] = withStatus(answers, 201);
    expect(others).toEqual([]);
    const refused = withStatus(answers, 409);
    expect(refused).toHaveLength(49);
    for (const { body } of refused)
      expect(body.conflicts, JSON.stringify(body)).toMatchObject([{ allocationId: winner!.body.id }]);
    const seen = await server.ask(`/v1/nodes/${node.id}`);
    expect([seen.body.useVersion, seen.body.version], 'taken once, not changed').toEqual([1, node.version]);
  });

  test('of sixteen that want a /26 of one /24, four get one of their own', async () => {
    const { block } = await blockOf('10.61.0.0/24');
    const answers = await together(16, () => allocate([{ what: 'block', blockId: block.id, prefixLength: 26 }]));
    expect(codesOf(answers)).toEqual(['201 active', '409 capacity-exhausted']);
    const given = withStatus(answers, 201).map(({ body }) => body.items[0].cidr);
    expect(given).toHaveLength(4);
    expect(new Set(given)).toEqual(new Set(['10.61.0.0/26', '10.61.0.64/26', '10.61.0.128/26', '10.61.0.192/26']));
  });
});

describe('one request, sent again', () => {
  test('eight identical requests under one key take once, and the answer is the same when asked again', async () => {
    const { block } = await blockOf('10.62.0.0/24');
    const again = () => allocate([{ what: 'address', blockId: block.id }], { key: 'eight', consumer: 'eight' });
    const answers = await together(8, again);
    for (const { status, body, headers } of withStatus(answers, 409)) {
      expect([status, body.code, headers.get('retry-after')]).toEqual([409, 'idempotency-in-progress', '1']);
    }
    const taken = withStatus(answers, 201);
    expect(taken.length + withStatus(answers, 409).length).toBe(8);
    expect(new Set(taken.map(({ body }) => body.id)).size).toBe(1);
    expect(taken.filter(({ headers }) => !headers.has('idempotency-replayed'))).toHaveLength(1);

    const replay = await again();
    expect([replay.status, replay.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect(replay.body).toEqual(taken[0]!.body);
    expect(replay.headers.get('location')).toBe(`/v1/allocations/${replay.body.id}`);
    const { body } = await server.ask('/v1/allocations?consumer.id=eight');
    expect(body.items).toHaveLength(1);
  });

  test('another body under a used key is refused and takes nothing', async () => {
    const { block } = await blockOf('10.63.0.0/24');
    const first = await allocate([{ what: 'address', blockId: block.id }], { key: 'used', consumer: 'used' });
    expect(first.status).toBe(201);
    const second = await allocate([{ what: 'address', blockId: block.id, count: 2 }], {
      key: 'used',
      consumer: 'used',
    });
    expect([second.status, second.body.code]).toEqual([422, 'idempotency-key-reused']);
  });

  test('without a key nothing is taken', async () => {
    const { block } = await blockOf('10.64.0.0/24');
    const answer = await server.ask(allocations, { body: wish([{ what: 'address', blockId: block.id }], 'keyless') });
    expect([answer.status, answer.body.code]).toEqual([400, 'idempotency-key-required']);
    expect((await server.ask('/v1/allocations?consumer.id=keyless')).body.items).toEqual([]);
  });

  test('a refusal is not kept: the same key succeeds once there is room', async () => {
    const { block } = await blockOf('10.65.0.0/30');
    const held = await allocate([{ what: 'address', blockId: block.id, count: 2 }]);
    expect(held.status, JSON.stringify(held.body)).toBe(201);
    const full = await allocate([{ what: 'address', blockId: block.id }], { key: 'later', consumer: 'later' });
    expect([full.status, full.body.code]).toEqual([409, 'capacity-exhausted']);
    expect((await server.ask(`/v1/allocations/${held.body.id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await allocate([{ what: 'address', blockId: block.id }], { key: 'later', consumer: 'later' })).status).toBe(
      201,
    );
  });
});

test('an allocation in an environment that does not exist is a path that does not exist', async () => {
  const answer = await server.ask('/v1/environments/env_01jz0000000000000000000000/allocations', {
    body: wish([{ what: 'address', blockId: 'blk_01jz0000000000000000000000' }]),
    headers: { 'idempotency-key': 'nowhere' },
  });
  expect([answer.status, answer.body.code]).toEqual([404, 'not-found']);
});

test('what is unique while it lives has no window: of nodes and amounts alone can be had ahead, and each refusal names its item', async () => {
  const { block } = await blockOf('10.66.0.0/24');
  const domain = await made('/v1/numberDomains', { name: 'ahead', kind: 'vlan' });
  const range = await made(`/v1/numberDomains/${domain.id}/ranges`, { start: 10, end: 20 });
  const node = await made('/v1/nodes', { kind: 'server', name: 'ahead' });
  const host = { what: 'node', nodeId: node.id };
  const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  const hour = { startsAt: inHours(1), endsAt: inHours(2) };
  const ask = (items: readonly object[], window: object = hour) =>
    server.ask(allocations, {
      body: { ...wish(items, `client-${(sent += 1)}`), ...window },
      headers: { 'idempotency-key': `key-${sent}` },
    });
  const unfit = [
    { what: 'number', domainId: domain.id },
    { what: 'number', rangeId: range.id, number: 12 },
    { what: 'address', blockId: block.id },
    { what: 'address', blockId: block.id, address: '10.66.0.9' },
    { what: 'block', blockId: block.id, prefixLength: 28 },
    { what: 'block', blockId: block.id, cidr: '10.66.0.128/28' },
    { what: 'rackUnits', nodeId: node.id, heightHalfUnits: 2 },
  ];
  const booked = await ask([host]);
  expect([booked.status, booked.body.state]).toEqual([201, 'booked']);
  const patch = (items: readonly object[]) =>
    server.ask(`/v1/allocations/${booked.body.id}`, {
      method: 'PATCH',
      body: { items },
      headers: { 'if-match': `"${booked.body.version}"` },
    });
  for (const item of unfit) {
    const answers = [
      await ask([item]),
      await ask([item], { startsAt: inHours(1) }),
      await ask([host, item], { startsAt: inHours(3) }),
      await patch([host, item]),
    ];
    const told = answers.map(({ status, headers, body }) => [
      status,
      headers.get('content-type'),
      body.code,
      body.errors?.[0]?.pointer,
    ]);
    const at = (place: number) => [422, 'application/problem+json', 'validation-failed', `/items/${place}/what`];
    expect(told, JSON.stringify(item)).toEqual([at(0), at(0), at(1), at(1)]);
  }
  expect((await server.ask(`/v1/allocations/${booked.body.id}`)).body).toEqual(booked.body);
  expect((await server.ask(`/v1/addressBlocks/${block.id}/available`)).body.availableAddresses).toBe('254');
});
