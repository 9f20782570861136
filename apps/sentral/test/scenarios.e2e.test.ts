import { defaultEnvironmentId, defaultProjectId } from '@sentral/contracts/tenancy';
import { openDatabase } from '@sentral/kernel/database';
import { constraintName } from '@sentral/kernel/errors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { made as madeBy } from './cast.js';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const environment = `/v1/environments/${defaultEnvironmentId}/allocations`;
let sent = 0;
const allocate = (
  items: readonly object[],
  { consumer = `c-${(sent += 1)}`, key = `k-${(sent += 1)}`, dryRun = '', ...more }: Record<string, unknown> = {},
) =>
  server.ask(`${environment}${dryRun === '' ? '' : `?dryRun=${String(dryRun)}`}`, {
    body: { consumer: { service: 'e2e', kind: 'scenario', id: consumer }, items, ...more },
    headers: { 'idempotency-key': String(key) },
  });
const made = (at: string, body: object): Promise<Json> => madeBy(server.ask(at, { body }));
const freed = (id: string) => server.ask(`/v1/allocations/${id}`, { method: 'DELETE' });

const together = <T>(count: number, work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => work(at)));
const codeOf = ({ status, body }: Answer<Json>): string => (status < 300 ? 'ok' : `${status} ${body.code}`);
const tally = (answers: readonly Answer<Json>[]) => {
  const codes = answers.map(codeOf);
  return Object.fromEntries(
    [...new Set(codes)].toSorted().map((code) => [code, codes.filter((c) => c === code).length]),
  );
};
const full = '409 capacity-exhausted';

async function host(total: number) {
  const node = await made('/v1/nodes', { kind: 'cluster', name: `h-${(sent += 1)}` });
  await made(`/v1/nodes/${node.id}/capacities`, { class: 'vcpu', total });
  return {
    vcpu: (amount = 1) => ({ what: 'capacity', nodeId: node.id, class: 'vcpu', amount }),
    used: async () => (await server.ask(`/v1/nodes/${node.id}/capacities/vcpu`)).body.used as number,
  };
}
async function block(cidr: string, more: object = {}, space: object = {}) {
  const spaceId: string = (await made('/v1/addressSpaces', { name: `s-${(sent += 1)}`, coolDownSeconds: 0, ...space }))
    .id;
  const parent = await made(`/v1/addressSpaces/${spaceId}/blocks`, { cidr, ...more });
  return {
    spaceId,
    id: parent.id as string,
    address: (given: object = {}) => ({ what: 'address', blockId: parent.id, ...given }),
    block: (given: object) => ({ what: 'block', blockId: parent.id, ...given }),
    available: async (query = '') => (await server.ask(`/v1/addressBlocks/${parent.id}/available${query}`)).body,
  };
}
async function vlans(start: number, end: number, coolDownSeconds = 0) {
  const domainId: string = (
    await made('/v1/numberDomains', { name: `d-${(sent += 1)}`, kind: 'vlan', coolDownSeconds })
  ).id;
  const range = await made(`/v1/numberDomains/${domainId}/ranges`, { start, end });
  const next = (given: object = {}) => ({ what: 'number', domainId, ...given });
  return { domainId, next, available: async () => (await server.ask(`/v1/numberRanges/${range.id}/available`)).body };
}
const items = (answer: Answer<Json>, field: string) => answer.body.items.map((item: Json) => item[field]);

describe('B. one holder', () => {
  test('P25 two spellings of a consumer are two holders, and another spelling of an id is bad', async () => {
    const it = await host(4);
    const answers = [
      await allocate([it.vcpu()], { consumer: 'AB-1' }),
      await allocate([it.vcpu()], { consumer: 'ab1' }),
    ];
    expect([tally(answers), await it.used()]).toEqual([{ ok: 2 }, 2]);
    const spelled = await server.ask(`/v1/allocations/${answers[0]!.body.id.toUpperCase()}`);
    expect(spelled.status).toBe(400);
  });

  test('P26 a holder without claims is an empty page, without a version', async () => {
    const { status, body } = await server.ask('/v1/allocations?consumer.kind=scenario&consumer.id=nobody');
    expect([status, body]).toEqual([200, { items: [] }]);
  });
});

describe('G. races', () => {
  test('P71 of sixteen that want the last unit one gets it, and fifteen are told that nothing is left', async () => {
    const it = await host(1);
    expect(tally(await together(16, () => allocate([it.vcpu()])))).toEqual({ ok: 1, [full]: 15 });
    expect(await it.used()).toBe(1);
  });

  // One by one it is asked of the contract (packages/inventory/test/capacity-race.db.test.ts); here by fives.
  test('P72 32 clients take 300 units of 300 and a fifth more is refused, none of them after a long wait', async () => {
    const it = await host(300);
    const answers: Answer<Json>[] = [];
    let left = 72;
    let longestMs = 0;
    await together(32, async () => {
      while ((left -= 1) >= 0) {
        const from = performance.now();
        answers.push(await allocate([it.vcpu(5)]));
        longestMs = Math.max(longestMs, performance.now() - from);
      }
    });
    expect(tally(answers)).toEqual({ ok: 60, [full]: 12 });
    expect([await it.used(), longestMs < 30_000]).toEqual([300, true]);
  });

  test('P73 of eight identical requests of one holder one takes, seven are told its version', async () => {
    const it = await host(100);
    expect(tally(await together(8, () => allocate([it.vcpu(3)], { consumer: 'eight' })))).toEqual({
      ok: 1,
      '412 version-mismatch': 7,
    });
    expect(await it.used()).toBe(3);
  });

  test('P75 while taking and giving back race, nobody sees more used than there is nor less than nothing', async () => {
    const it = await host(10);
    const held = await together(10, () => allocate([it.vcpu()]));
    const seen: number[] = [];
    let over = false;
    const reading = (async () => {
      while (!over) seen.push(await it.used());
    })();
    await together(10, async (at) => {
      let { id } = held[at]!.body;
      for (let round = 0; round < 3; round += 1) {
        await freed(id);
        let got: Answer<Json>;
        do got = await allocate([it.vcpu()]);
        while (codeOf(got) === full);
        expect(codeOf(got)).toBe('ok');
        ({ id } = got.body);
      }
    });
    over = true;
    await reading;
    expect([Math.max(...seen) <= 10, Math.min(...seen) >= 0, await it.used()]).toEqual([true, true, 10]);
  });

  test('P77 who lost the answer asks again with its key and gets the same, marked, and one claim', async () => {
    const it = await host(100);
    const ask = () => allocate([it.vcpu(3)], { consumer: 'lost', key: 'lost' });
    const answers = await together(8, ask);
    expect(Object.keys(tally(answers)).filter((code) => !['ok', '409 idempotency-in-progress'].includes(code))).toEqual(
      [],
    );
    const again = await ask();
    expect([again.headers.get('idempotency-replayed'), again.body]).toEqual([
      'true',
      answers.find((a) => a.status === 201)?.body,
    ]);
    expect(await it.used()).toBe(3);
  });
});

describe('H. reservations in time', () => {
  test('B06 of ten clients that want one of two hosts for the same hour two get one each, and eight are told that none is left', async () => {
    const pool = await made('/v1/pools', {
      name: `p-${(sent += 1)}`,
      members: await Promise.all(
        ['a', 'b'].map(async (name) => ({
          nodeId: (await made('/v1/nodes', { kind: 'server', name: `${name}-${(sent += 1)}` })).id,
        })),
      ),
    });
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
    const hour = { startsAt: inHours(1), endsAt: inHours(2) };
    const host = { what: 'place', resources: [{ kind: 'server' }], pools: [{ is: 'in', poolIds: [pool.id] }] };
    const answers = await together(10, () => allocate([host], hour));
    expect(tally(answers)).toEqual({ ok: 2, [full]: 8 });
    const booked = answers.filter(({ status }) => status === 201);
    expect(new Set(booked.map((answer) => items(answer, 'nodeId')[0])).size).toBe(2);
    expect(booked.map(({ body }) => [body.state, body.startsAt, body.endsAt])).toEqual(
      booked.map(() => ['booked', hour.startsAt, hour.endsAt]),
    );
    // The next hour is free, and the window of a booking moves by a patch.
    expect(codeOf(await allocate([host], { startsAt: hour.endsAt, endsAt: inHours(3) }))).toBe('ok');
    const { id } = booked[0]!.body;
    const moved = await server.ask(`/v1/allocations/${id}`, {
      method: 'PATCH',
      headers: { 'if-match': '"1"' },
      body: { endsAt: inHours(1.5) },
    });
    expect([moved.status, moved.body.version]).toEqual([200, 2]);
    const past = await allocate([host], { startsAt: inHours(-1), endsAt: inHours(1) });
    expect([past.status, past.body.errors[0].pointer]).toEqual([422, '/startsAt']);
  });
});

describe('I. next free', () => {
  test('N01 N02 sixteen clients empty a /28 at once, each with an address of its own, and one more gets nothing', async () => {
    const pool = await block('10.80.0.0/28', { isPool: true });
    const answers = await together(16, () => allocate([pool.address()]));
    const all = Array.from({ length: 16 }, (_, at) => `10.80.0.${at}`);
    expect(answers.map((answer) => String(items(answer, 'address')[0])).toSorted()).toEqual(all.toSorted());
    const refused = await allocate([pool.address()], { consumer: 'late' });
    expect([codeOf(refused), refused.body.explanation.soleBlockers]).toEqual([full, ['held']]);
    expect((await server.ask('/v1/allocations?consumer.id=late')).body.items).toEqual([]);
  });

  test('N03 nine of eight are refused and none is stored; eight are given', async () => {
    const pool = await block('10.81.0.0/29', { isPool: true });
    const refused = await allocate([pool.address({ count: 9 })]);
    expect([codeOf(refused), refused.body.requested, refused.body.available]).toEqual([full, 9, 8]);
    expect((await pool.available()).availableAddresses).toBe('8');
    expect(items(await allocate([pool.address({ count: 8 })]), 'address')).toHaveLength(8);
  });

  test.each([
    ['10.82.0.0/29', false, '6'],
    ['10.82.0.0/29', true, '8'],
    ['10.82.0.0/31', false, '2'],
    ['10.82.0.0/32', false, '1'],
    ['2001:db8::/64', false, String(2n ** 64n - 1n)],
    ['2001:db8::/127', false, '2'],
  ])('N04 of %s (pool: %s) %s addresses may be given', async (cidr, isPool, count) => {
    expect((await (await block(cidr, { isPool })).available()).availableAddresses).toBe(count);
  });

  test('N05 of two that record the same address at once one does, and not even SQL writes it twice', async () => {
    const { spaceId } = await block('10.83.0.0/24');
    const record = () => server.ask(`/v1/addressSpaces/${spaceId}/addresses`, { body: { address: '10.83.0.7' } });
    expect(tally(await together(2, record))).toEqual({ ok: 1, '409 already-exists': 1 });
    const db = openDatabase({ url: server.adminUrl, applicationName: 'scenario', poolSize: 1 });
    const twice = await db
      .unsafe('insert into inventory.address_hold select * from inventory.address_hold where host = $1::inet', [
        '10.83.0.7',
      ])
      .then(() => 'written', constraintName);
    await db.close();
    expect(twice).toBe('address_held_once');
  });

  test('N07 what is free of a /24 beside a /26 and a /27 is told as the fewest blocks', async () => {
    const pool = await block('10.84.0.0/24');
    for (const cidr of ['10.84.0.64/26', '10.84.0.192/27'])
      await made(`/v1/addressSpaces/${pool.spaceId}/blocks`, { cidr });
    expect((await pool.available()).nextBlocks).toEqual(['10.84.0.0/26', '10.84.0.128/26', '10.84.0.224/27']);
  });

  test('N08 five /30 of a /28 are refused and none is stored; four are given in order', async () => {
    const pool = await block('10.85.0.0/28');
    expect(codeOf(await allocate([pool.block({ prefixLength: 30, count: 5 })]))).toBe(full);
    expect((await pool.available()).freeBlocks).toBe(1);
    const given = items(await allocate([pool.block({ prefixLength: 30, count: 4 })]), 'cidr');
    expect(given).toEqual(['10.85.0.0/30', '10.85.0.4/30', '10.85.0.8/30', '10.85.0.12/30']);
  });

  test('N09 of eight that want a /26 of one /24 four get one of their own', async () => {
    const pool = await block('10.86.0.0/24');
    const answers = await together(8, () => allocate([pool.block({ prefixLength: 26 })]));
    expect(tally(answers)).toEqual({ ok: 4, [full]: 4 });
    const given = answers.filter(({ status }) => status === 201).map((answer) => items(answer, 'cidr')[0]);
    expect(new Set(given).size).toBe(4);
  });

  test('N11 a block that is larger than where it is to lie is bad, and so is a mask in words', async () => {
    const pool = await block('10.87.0.0/24');
    for (const prefixLength of [23, 24, '26', 33])
      expect(codeOf(await allocate([pool.block({ prefixLength })]))).toBe('422 validation-failed');
  });

  test('N12 a range in use is stepped over, and nothing is recorded in it', async () => {
    const source = `n12-${(sent += 1)}`;
    const lines = [
      { op: 'upsert', externalId: 's', resource: { type: 'addressSpace', name: source } },
      {
        op: 'upsert',
        externalId: 'b',
        resource: { type: 'addressBlock', space: 's', cidr: '10.88.0.0/24', isPool: true },
      },
      {
        op: 'upsert',
        externalId: 'r',
        resource: {
          type: 'addressRange',
          space: 's',
          start: '10.88.0.0',
          end: '10.88.0.9',
          attributes: { markUtilized: true },
        },
      },
    ];
    const started = await fetch(`${server.url}/v1/imports?source=${source}&format=changeset`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.token}`,
        'content-type': 'application/x-ndjson',
        'idempotency-key': source,
      },
      body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    const { id } = (await started.json()) as Json;
    await expect
      .poll(async () => (await server.ask(`/v1/imports/${id}`)).body.state, { timeout: 20_000 })
      .toBe('succeeded');
    const space = (await server.ask(`/v1/addressSpaces?name=${source}`)).body.items[0];
    const blocks = (await server.ask(`/v1/addressSpaces/${space.id}/blocks`)).body.items;
    const taken = await allocate([{ what: 'address', blockId: blocks[0].id }]);
    expect(items(taken, 'address')).toEqual(['10.88.0.10']);
    const inside = await server.ask(`/v1/addressSpaces/${space.id}/addresses`, { body: { address: '10.88.0.4' } });
    expect(codeOf(inside)).toBe('409 topology-violation');
  });

  test('N14 of a group of a hundred VLANs a hundred are given, and none from outside of it', async () => {
    const group = await vlans(100, 199);
    for (const value of [10, 20, 30])
      await server.ask(`/v1/numberDomains/${group.domainId}/numbers`, { body: { value } });
    expect((await group.available()).free).toBe(100);
    const given = items(await allocate([group.next({ count: 100 })]), 'number') as number[];
    expect([given.length, Math.min(...given), Math.max(...given)]).toEqual([100, 100, 199]);
    expect(codeOf(await allocate([group.next()]))).toBe(full);
  });

  test('N15 of a group where 1, 3 and 5 are taken the next three are 2, 4 and 6', async () => {
    const group = await vlans(1, 4094);
    for (const number of [1, 3, 5]) await allocate([group.next({ number })]);
    expect(items(await allocate([group.next({ count: 3 })]), 'number')).toEqual([2, 4, 6]);
  });

  test('N18 what was given back rests for its quarantine, and the refusal says until when', async () => {
    const pool = await block('10.89.0.0/32', {}, { coolDownSeconds: 600 });
    const given = await allocate([pool.address()]);
    await freed(given.body.id);
    const refused = await allocate([pool.address()]);
    expect(refused.body).toMatchObject({
      code: 'capacity-exhausted',
      explanation: { soleBlockers: ['resting'], unblock: [{ type: 'wait', until: expect.any(String) }] },
    });
    const inSeconds = (Date.parse(refused.body.explanation.unblock[0].until) - Date.now()) / 1_000;
    expect(inSeconds > 500 && inSeconds < 700).toBe(true);
  });

  test('N19 of two editors with the same ETag at once one is late, and is told the version that holds', async () => {
    const { id } = await block('10.90.0.0/24');
    const edit = (at: number) =>
      server.ask(`/v1/addressBlocks/${id}`, {
        method: 'PATCH',
        headers: { 'if-match': '"1"' },
        body: { attributes: { at } },
      });
    const answers = await together(2, edit);
    expect(tally(answers)).toEqual({ ok: 1, '412 version-mismatch': 1 });
    expect(answers.find(({ status }) => status === 412)?.body.currentVersion).toBe(2);
  });
});

describe('a refusal over HTTP', () => {
  test('is named by the problem, read while it is kept, and listed', async () => {
    const it = await host(1);
    const refused = await allocate([it.vcpu(2)]);
    expect(refused.body.refusalId).toMatch(/^rfs_/);
    const kept = await server.ask(`/v1/refusals/${refused.body.refusalId}`);
    expect([kept.status, kept.body.projectId, kept.body.explanation]).toEqual([
      200,
      defaultProjectId,
      refused.body.explanation,
    ]);
    const { body } = await server.ask(`/v1/refusals?environmentId=${defaultEnvironmentId}&limit=500`);
    expect(body.items.map(({ id }: Json) => id)).toContain(refused.body.refusalId);
    const tried = await allocate([it.vcpu(2)], { dryRun: 'true' });
    expect([tried.body.explanation, tried.body.refusalId]).toEqual([refused.body.explanation, undefined]);
  });

  test('what is tried and held is there for a minute, under its key', async () => {
    const it = await host(1);
    const hold = () => allocate([it.vcpu()], { consumer: 'held', key: 'held', dryRun: 'hold' });
    const held = await hold();
    expect([held.status, held.headers.get('dry-run'), held.headers.get('location'), held.body.state]).toEqual([
      201,
      'hold',
      `/v1/allocations/${held.body.id}`,
      'held',
    ]);
    expect((await hold()).headers.get('idempotency-replayed')).toBe('true');
    expect(codeOf(await allocate([it.vcpu()]))).toBe(full);
    const confirmed = await server.ask(`/v1/allocations/${held.body.id}/confirm`, { method: 'POST' });
    expect([confirmed.status, confirmed.body.state]).toEqual([200, 'active']);
  });
});
