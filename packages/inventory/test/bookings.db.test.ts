import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { defaultProjectId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { announceFew } from '../src/allocation/announce.js';
import { beginFew } from '../src/allocation/begin.js';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Reserve, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(20);
});
afterAll(() => s.close());

/** Whole minutes from the one after next, so that a slow machine never makes them past. */
const base = Math.ceil(Date.now() / 60_000) * 60_000 + 3_600_000;
const at = (minutes: number) => new Date(base + minutes * 60_000).toISOString();
const window = (from: number, until: number) => ({ startsAt: at(from), endsAt: at(until) });
const server = () => s.host([], 'server');
const whole = (nodeId: Id<'nod'>): Item => ({ what: 'node', nodeId });
const vcpu = (nodeId: Id<'nod'>, amount: number): Item => ({ what: 'capacity', nodeId, class: 'vcpu', amount });
const change = (id: Id<'alc'>, to: Record<string, unknown>) =>
  orProblem(s.inventory.allocation.replace(s.caller, { id, ...to }));
const get = (id: Id<'alc'>) => s.inventory.allocation.get(s.caller, { id });
const free = (id: Id<'alc'>) => orProblem(s.inventory.allocation.release(s.caller, { id }));
const field = (outcome: unknown) =>
  (outcome as { facts: { errors: { pointer: string }[] } }).facts.errors
    .map(({ pointer }) => pointer)
    .filter((pointer, n, all) => all.indexOf(pointer) === n);

const pass = (minutes: number, ...ids: Id<'alc'>[]) => s.pass(minutes, ...ids);

/** One turn of the loop: what ends makes room for what begins. */
async function turn(): Promise<void> {
  while ((await sweepAllocations(s.deps)) > 0);
  while ((await beginFew(s.deps)) > 0);
  while ((await announceFew(s.deps)) > 0);
}

async function counter(nodeId: Id<'nod'>) {
  const { used, booked } = await s.inventory.capacity.get(s.caller, { nodeId, class: 'vcpu' });
  return [used, booked];
}

describe('H. reservations in time', () => {
  test('B01 B02 of a host that is booked from ten to twelve, eleven to one is a conflict that names the window, and twelve to one is free', async () => {
    const host = await server();
    const first = await s.take([whole(host)], window(0, 120));
    expect(first).toMatchObject({ state: 'booked', ...window(0, 120) });
    const refused = await s.ask([whole(host)], window(60, 180));
    expect(refused).toMatchObject({
      code: 'allocation-conflict',
      facts: { conflicts: [{ allocationId: first.id, startsAt: at(0), expiresAt: at(120) }] },
    });
    expect(codeOf(await s.ask([whole(host)], window(120, 180)))).toBe('ok');
    expect(codeOf(await s.ask([whole(host)]))).toBe('allocation-conflict');
    // Until the booking begins it is free.
    expect(codeOf(await s.ask([whole(host)], { endsAt: at(0) }))).toBe('ok');
  });

  // "Now" is what lies in the minute that runs; it is held from the moment of the request, since what is past cannot be used.
  test('B04 a start in the past, an end at or before it and bad text are refused by their field; a start in the minute that runs is now', async () => {
    const host = await server();
    const ask = async (more: Partial<Reserve>) => s.ask([whole(host)], more);
    const minuteAgo = new Date(Date.now() - 61_000).toISOString();
    for (const [more, pointer] of [
      [{ startsAt: minuteAgo, endsAt: at(0) }, '/startsAt'],
      [window(10, 10), '/endsAt'],
      [window(10, 5), '/endsAt'],
      [{ endsAt: minuteAgo }, '/endsAt'],
      [{ startsAt: 'tomorrow' }, '/startsAt'],
      [{ startsAt: '2999-01-01T00:00:00Z' }, '/startsAt'],
      [{ startsAt: '2027-02-30T10:00:00Z' }, '/startsAt'],
      [{ ...window(0, 1), ttlSeconds: 60 }, '/ttlSeconds'],
    ] as const) {
      const refused = await ask(more);
      expect([codeOf(refused), field(refused)]).toEqual(['validation-failed', [pointer]]);
    }
    const now = new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString();
    expect(await ask({ startsAt: now, endsAt: at(0) })).toMatchObject({ state: 'active', endsAt: at(0) });
  });

  test('B05 where two of three hosts are free, two are given to who wants two or three, and none to who wants three', async () => {
    const nodeIds = await Promise.all([server(), server(), server()]);
    const pool = await s.inventory.pool.create(s.caller, {
      name: newId(),
      members: nodeIds.map((nodeId) => ({ nodeId })),
    });
    await s.take([whole(nodeIds[1])], window(0, 60));
    const place = (count: number, countMin: number) => ({
      what: 'place' as const,
      resources: [{ kind: 'server' }],
      pools: [{ is: 'in' as const, poolIds: [pool.id] }],
      count,
      countMin,
    });
    const ask = (count: number, countMin: number) => s.ask([place(count, countMin)], window(30, 90));
    expect(codeOf(await ask(3, 3))).toBe('capacity-exhausted');
    for (const [count, countMin] of [
      [3, 0],
      [2, 3],
    ] as const)
      expect([countMin, field(await ask(count, countMin))]).toEqual([countMin, ['/items/0/countMin']]);
    expect(((await ask(3, 2)) as Allocation).items.map(({ nodeId }) => nodeId)).toEqual(
      expect.arrayContaining([nodeIds[0], nodeIds[2]]),
    );
    expect(codeOf(await ask(3, 1))).toBe('capacity-exhausted');
  });

  test('a refusal says when it would fit, and then it does: of hosts, of amounts, and of both at once', async () => {
    const [host, shared] = [await server(), await s.host([{ class: 'vcpu', total: 10 }])];
    await s.take([whole(host)], window(0, 60));
    await s.take([whole(host)], window(80, 120));
    await s.take([vcpu(shared, 6)], window(0, 125));
    await s.take([vcpu(shared, 3)], window(140, 150));
    const lasting = (from: number, minutes: number) => window(from, from + minutes);
    for (const [items, minutes, start] of [
      [[whole(host)], 20, 60],
      [[whole(host)], 21, 120],
      [[vcpu(shared, 5)], 15, 125],
      [[vcpu(shared, 8)], 16, 150],
      [[whole(host), vcpu(shared, 5)], 10, 125],
    ] as const) {
      const refused = await s.ask([...items], lasting(30, minutes), { ...s.caller, dryRun: true });
      expect(refused).toMatchObject({ facts: { explanation: { earliestAt: at(start) } } });
      const just = lasting(start - 1, minutes);
      expect(codeOf(await s.ask([...items], just, { ...s.caller, dryRun: true }))).not.toBe('ok');
      expect(codeOf(await s.ask([...items], lasting(start, minutes), { ...s.caller, dryRun: true }))).toBe('ok');
    }
    // Of what is held for good there is no such moment.
    await s.take([vcpu(shared, 4)], { startsAt: at(200) });
    const never = await s.ask([vcpu(shared, 7)], {}, { ...s.caller, dryRun: true });
    expect((never as unknown as { facts: { explanation: object } }).facts.explanation).not.toHaveProperty('earliestAt');
  });

  test('B07 a lease that is shortened keeps its host, and what it leaves is free at once', async () => {
    const host = await server();
    const lease = await s.take([whole(host)], { endsAt: at(60) });
    const [item] = lease.items;
    const shortened = await change(lease.id, { endsAt: at(30) });
    expect(shortened).toMatchObject({ state: 'active', endsAt: at(30), items: [{ id: item?.id, fence: item?.fence }] });
    expect(codeOf(await s.ask([whole(host)], window(30, 60)))).toBe('ok');
    expect(codeOf(await change(lease.id, { endsAt: at(40) }))).toBe('allocation-conflict');
    expect(await get(lease.id)).toMatchObject({ endsAt: at(30) });
  });

  // There is no name to change of what has ended: all of it is history.
  test('B11 the start of what has begun stays, its end may move; what has ended changes no more', async () => {
    const host = await server();
    const lease = await s.take([whole(host)], { endsAt: at(60) });
    expect(await change(lease.id, { startsAt: at(10) })).toMatchObject({
      code: 'state-conflict',
      facts: { state: 'active' },
    });
    expect(await change(lease.id, { startsAt: lease.startsAt, endsAt: at(90) })).toMatchObject({ endsAt: at(90) });
    expect(await change(lease.id, { endsAt: null })).not.toHaveProperty('endsAt');
    expect(await change(lease.id, { endsAt: at(5) })).toMatchObject({ endsAt: at(5) });
    await pass(600, lease.id);
    expect(codeOf(await change(lease.id, { endsAt: at(90) }))).toBe('lease-expired');
    const booked = await s.take([whole(host)], window(200, 260));
    expect(await change(booked.id, { startsAt: at(230) })).toMatchObject({ state: 'booked', ...window(230, 260) });
    expect(field(await change(booked.id, { startsAt: at(270) }))).toEqual(['/endsAt']);
    expect(await change(booked.id, { startsAt: new Date().toISOString() })).toMatchObject({ state: 'active' });
  });

  // Who listens is told by the events; an end that was announced and then moved is withdrawn by an event of its own.
  test('B12 an end is announced so long before as was asked, at the start of what is shorter, and anew when it was moved', async () => {
    const book = async (minutes: number) =>
      s.take([whole(await server())], { ...window(0, minutes), noticeSeconds: 3_600 });
    const [long, short] = [await book(120), await book(30)];
    expect([long.noticeAt, short.noticeAt]).toEqual([at(60), at(0)]);
    const minutes = (base - Date.now()) / 60_000;
    const told = async () => {
      await turn();
      return Promise.all([long, short].map(async ({ id }) => (await get(id)).noticedAt !== undefined));
    };
    await pass(minutes + 1, long.id, short.id);
    expect(await told()).toEqual([false, true]);
    await pass(61, long.id);
    expect(await told()).toEqual([true, true]);
    const announced = await get(long.id);
    expect(await announceFew(s.deps)).toBe(0);
    const later = new Date(Date.parse(announced.endsAt ?? '') + 3_600_000).toISOString();
    expect(await change(long.id, { endsAt: later })).toMatchObject({ noticeAt: announced.endsAt });
    expect(await told()).toEqual([false, true]);
    const events = await s.admin.unsafe(
      `select type from inventory.feed where resource_id = $1 order by resource_version`,
      [decodeId('alc', long.id)],
    );
    expect(events.map(({ type }) => String(type).split('.').at(-1))).toEqual([
      'booked',
      'begun',
      'announced',
      'withdrawn',
    ]);
    await pass(60, long.id);
    expect(await told()).toEqual([true, true]);
  });

  // A notice is so long before the end, not a date: so it cannot lie outside of the window, and only what never ends has none.
  test('B13 a notice of what has no end, or that is no length of time, is refused by its field', async () => {
    const host = await server();
    for (const more of [
      { noticeSeconds: 60 },
      { startsAt: at(0), noticeSeconds: 60 },
      { ...window(0, 60), noticeSeconds: -1 },
    ])
      expect(field(await s.ask([whole(host)], more))).toEqual(['/noticeSeconds']);
    const lease = await s.take([whole(host)], window(0, 60));
    expect(field(await change(lease.id, { endsAt: null, noticeSeconds: 60 }))).toEqual(['/noticeSeconds']);
    expect(await get(lease.id)).toEqual(lease);
    expect(await change(lease.id, { noticeSeconds: 60 })).toMatchObject({ noticeAt: at(59) });
  });

  // Ends run before begins, and a begin that finds something that ran out waits a turn for it: repeating either changes nothing.
  test('B14 a worker that was away ends what ended before it begins what begins at that instant, once', async () => {
    const [host, shared] = [await server(), await s.host([{ class: 'vcpu', total: 4 }])];
    const items = [whole(host), vcpu(shared, 4)];
    const a = await s.take(items, window(0, 60));
    const b = await s.take(items, window(60, 120));
    expect(await counter(shared)).toEqual([0, 8]);
    const minutes = (base - Date.now()) / 60_000;
    await pass(minutes + 5, a.id, b.id);
    await turn();
    expect([(await get(a.id)).state, await counter(shared)]).toEqual(['active', [4, 4]]);
    await pass(65, a.id, b.id);
    // The begin alone finds its place taken by what nobody has ended yet.
    expect([await beginFew(s.deps), (await get(b.id)).state]).toEqual([0, 'booked']);
    await turn();
    const after = [await get(a.id), await get(b.id)];
    expect(after.map(({ state }) => state)).toEqual(['expired', 'active']);
    expect(await counter(shared)).toEqual([4, 0]);
    // Who held it between the booking and its beginning has an older fence.
    expect(after[1]?.items[0]?.fence).toBeGreaterThan(b.items[0]?.fence ?? 0);
    await turn();
    expect([await get(a.id), await get(b.id)]).toEqual(after);
  });

  // A change is one transaction, so nobody sees a lease that is being changed: the later of two is told the version that holds.
  test('B15 a booking and a lease are given back once, and of two changes at once one wins', async () => {
    const host = await server();
    const booked = await s.take([whole(host)], window(0, 60));
    const changes = await Promise.all([60, 90].map((end) => change(booked.id, { version: 1, endsAt: at(end + 5) })));
    expect(changes.map(codeOf).toSorted()).toEqual(['ok', 'version-mismatch']);
    const ends = await Promise.all([free(booked.id), free(booked.id), free(booked.id)]);
    expect(ends.map(codeOf).toSorted()).toEqual(['not-found', 'not-found', 'ok']);
    expect(codeOf(await change(booked.id, { endsAt: at(99) }))).toBe('state-conflict');
    expect(codeOf(await s.ask([whole(host)], window(0, 60)))).toBe('ok');
    const held = await s.take([whole(await server())], { ttlSeconds: 60 });
    expect(await change(held.id, { endsAt: at(1) })).toMatchObject({
      code: 'state-conflict',
      facts: { state: 'held', allowedStates: ['booked', 'active'] },
    });
  });
});

test('B17 a lease is no longer than policy lets it be, when it is booked and when it is extended; who is exempt may', async () => {
  const host = await server();
  const of = (change: object) => {
    const version = (s.caller.scopes.find(({ id }) => id === defaultProjectId)?.version ?? 1) + 1;
    const scopes = s.caller.scopes.map((scope) =>
      scope.id === defaultProjectId ? { ...scope, policyVersion: version, ...change, version } : scope,
    );
    s.caller.scopes = scopes;
  };
  const binding = { id: encodeId('plb', newId()), value: 86_400, lock: 'override', mode: 'enforce' };
  of({ policyBindings: [{ ...binding, key: 'inventory.leaseSecondsMax' }] });
  const hours = (n: number) => window(0, n * 60);
  expect(codeOf(await s.ask([whole(host)], hours(25)))).toBe('policy-violation');
  const lease = await s.take([whole(host)], hours(20));
  expect(codeOf(await change(lease.id, { endsAt: hours(25).endsAt }))).toBe('policy-violation');
  expect(codeOf(await change(lease.id, { endsAt: null }))).toBe('policy-violation');
  expect(await get(lease.id)).toEqual(lease);
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  of({ exemptions: [{ id: encodeId('pex', newId()), key: 'inventory.leaseSecondsMax', expiresAt }] });
  expect(await change(lease.id, { endsAt: hours(25).endsAt })).toMatchObject(hours(25));
  of({ policyBindings: [], exemptions: [] });
  await s.inventory.projection.apply(s.caller, {});
});

describe('amounts in a window', () => {
  test('the peak decides: bookings that never meet share the same units, and what is taken for good respects all that come', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    await s.take([vcpu(host, 4)]);
    const asks: [number, Partial<Reserve>, string][] = [
      [6, window(0, 60), 'ok'],
      [6, window(60, 120), 'ok'],
      [1, window(30, 90), 'capacity-exhausted'],
      [1, {}, 'capacity-exhausted'],
      // A hold may be confirmed, so it is judged as if it had been.
      [1, { ttlSeconds: 5 }, 'capacity-exhausted'],
      [6, { endsAt: at(0) }, 'ok'],
      [5, window(120, 180), 'ok'],
      [1, { startsAt: at(120) }, 'ok'],
      [1, { startsAt: at(150) }, 'capacity-exhausted'],
    ];
    for (const [amount, more, code] of asks)
      expect([more, codeOf(await s.ask([vcpu(host, amount)], more))]).toEqual([more, code]);
    expect(await counter(host)).toEqual([10, 18]);
    expect(await s.broken()).toEqual([]);
  });

  test('a booking that finds its place shrunk fails, tells why and gives back what it had; nothing goes over the cap', async () => {
    const host = await s.host([{ class: 'vcpu', total: 10 }]);
    const kept = await s.take([vcpu(host, 6)]);
    const lost = await s.take([vcpu(host, 4)], window(0, 60));
    await s.inventory.capacity.amend(s.caller, { nodeId: host, class: 'vcpu', patch: { total: 9 } });
    await pass((base - Date.now()) / 60_000 + 1, lost.id);
    await turn();
    expect(await get(lost.id)).toMatchObject({ state: 'failed', failure: { code: 'capacity-exhausted' } });
    expect([await counter(host), (await get(kept.id)).state]).toEqual([[6, 0], 'active']);
    expect(codeOf(await free(lost.id))).toBe('not-found');
    expect(await s.broken()).toEqual([]);
    const node = await server();
    const later = await s.take([whole(node)], window(0, 60));
    await s.inventory.node.amend(s.caller, { id: node, patch: { intent: 'drain' } });
    await pass((base - Date.now()) / 60_000 + 1, later.id);
    await turn();
    expect(await get(later.id)).toMatchObject({ state: 'failed', failure: { code: 'state-conflict' } });
  });

  test('a node is whole or in parts at every instant, not for all time', async () => {
    const host = await s.host([{ class: 'vcpu', total: 8 }], 'server');
    await s.take([vcpu(host, 8)], { endsAt: at(60) });
    expect(codeOf(await s.ask([whole(host)], window(30, 90)))).toBe('allocation-conflict');
    const booked = await s.take([whole(host)], window(60, 120));
    expect(codeOf(await s.ask([vcpu(host, 1)], window(119, 121)))).toBe('allocation-conflict');
    expect(codeOf(await s.ask([vcpu(host, 1)], window(120, 121)))).toBe('ok');
    expect(codeOf(await change(booked.id, { endsAt: at(121) }))).toBe('allocation-conflict');
    expect(codeOf(await change(booked.id, { startsAt: at(59) }))).toBe('allocation-conflict');
    expect(codeOf(await change(booked.id, { startsAt: at(61) }))).toBe('ok');
  });

  test('sixteen clients book, take, move and give back over each other: at no instant more than there is', async () => {
    const host = await s.host([{ class: 'vcpu', total: 12 }]);
    let granted = 0;
    const outcomes = new Set<string>();
    await Promise.all(
      Array.from({ length: 16 }, async (_, client) => {
        const mine: Id<'alc'>[] = [];
        for (let round = 0; round < 6; round += 1) {
          const from = (client * 7 + round * 11) % 60;
          const length = 5 + ((client + round) % 4) * 10;
          const more = round % 5 === 4 ? { endsAt: at(from) } : window(from, from + length);
          const got = await s.ask([vcpu(host, 1 + ((client + round) % 3))], more);
          outcomes.add(codeOf(got));
          if (codeOf(got) === 'ok') {
            granted += 1;
            mine.push((got as Allocation).id);
          }
          const other = mine[round % Math.max(1, mine.length)];
          if (other === undefined) continue;
          if (round % 3 === 1) outcomes.add(codeOf(await change(other, { endsAt: at(from + length + 15) })));
          if (round % 4 === 3) await free(mine.shift() as Id<'alc'>);
        }
      }),
    );
    const [peak] = await s.admin.unsafe(
      `select max(level)::int as level from (
         select sum(s.delta) over (order by s.at, s.delta) as level from inventory.allocation_item i
         cross join lateral (values (lower(i.during), i.amount), (upper(i.during), -i.amount)) s(at, delta)
         where i.node_id = $1 and i.ended_at is null) l`,
      [decodeId('nod', host)],
    );
    expect([...outcomes].toSorted()).toEqual(
      ['capacity-exhausted', 'ok', 'validation-failed'].filter((c) => outcomes.has(c)),
    );
    expect(granted).toBeGreaterThan(16);
    expect(peak?.['level']).toBeLessThanOrEqual(12);
    expect(peak?.['level']).toBeGreaterThan(9);
    expect(await s.broken()).toEqual([]);
  }, 60_000);
});

test('who tries ends nothing that ran out, however much of it is in the way, and is told what the real request would be', async () => {
  const host = await s.host([{ class: 'vcpu', total: 55 }]);
  const overdue = await Promise.all(Array.from({ length: 55 }, () => s.take([vcpu(host, 1)], { ttlSeconds: 60 })));
  await pass(10, ...overdue.map(({ id }) => id));
  const use = await s.inventory.usage.now(s.caller, { scopeId: defaultProjectId });
  const limit = use.own.find(({ dimension }) => dimension === 'inventory.vcpu')?.used ?? 0;
  const limits = [{ dimension: 'inventory.vcpu' as const, limit }];
  s.caller.scopes = s.caller.scopes.map((scope) =>
    scope.id === defaultProjectId ? { ...scope, version: scope.version + 1, limits } : scope,
  );
  await s.inventory.projection.apply(s.caller, {});
  const other = await s.host([{ class: 'vcpu', total: 9 }]);
  const before = await s.everyRow();
  const dry = { ...s.caller, dryRun: true };
  expect(codeOf(await s.ask([vcpu(host, 55)], {}, dry))).toBe('ok');
  expect(codeOf(await s.ask([vcpu(host, 5)], window(0, 60), dry))).toBe('ok');
  expect(codeOf(await s.ask([vcpu(host, 55), vcpu(other, 1)], {}, dry))).toBe('quota-exceeded');
  expect(await s.everyRow()).toEqual(before);
  expect(codeOf(await s.ask([vcpu(host, 55)]))).toBe('ok');
});
