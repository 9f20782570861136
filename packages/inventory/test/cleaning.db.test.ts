import { decodeId, type Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '@sentral/kernel/id';
import { beginFew } from '../src/allocation/begin.js';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { quarantineFew } from '../src/node/scrub.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Place, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(12);
});
afterAll(() => s.close());

const base = Math.ceil(Date.now() / 60_000) * 60_000 + 3_600_000;
const at = (minutes: number) => new Date(base + minutes * 60_000).toISOString();
const window = (from: number, until: number) => ({ startsAt: at(from), endsAt: at(until) });
const whole = (nodeId: Id<'nod'>): Item => ({ what: 'node', nodeId });
const vcpu = (nodeId: Id<'nod'>): Item => ({ what: 'capacity', nodeId, class: 'vcpu', amount: 1 });
const change = (id: Id<'alc'>, to: object) => orProblem(s.inventory.allocation.replace(s.caller, { id, ...to }));
const free = (id: Id<'alc'>) => s.inventory.allocation.release(s.caller, { id });
const clean = (id: Id<'nod'>, more: object = {}) => orProblem(s.inventory.node.clean(s.caller, { id, ...more }));
const node = (id: Id<'nod'>) => s.inventory.node.get(s.caller, { id });

async function server(more: { cleaningSeconds?: number; scrubs?: boolean } = {}, parentId?: Id<'nod'>) {
  const placed = parentId === undefined ? {} : { parentId };
  const { id } = await s.inventory.node.register(s.caller, { kind: 'server', name: newId(), ...placed, ...more });
  await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [{ class: 'vcpu', total: 4 }] });
  return id;
}

/** As if so much time had passed since the node was given back: rows alone, behind the back of the guards. */
const since = (seconds: number, id: Id<'nod'>) =>
  s.admin.unsafe(`do $$ begin
    perform set_config('session_replication_role', 'replica', true);
    update inventory.allocation_item set during = tstzrange(lower(during) - interval '${seconds} s', upper(during) - interval '${seconds} s'), ended_at = ended_at - interval '${seconds} s'
      where node_id = '${decodeId('nod', id)}' and ended_at is not null;
  end $$`);

async function placeIn(nodeIds: Id<'nod'>[]): Promise<Place> {
  const pool = await s.inventory.pool.create(s.caller, {
    name: newId(),
    members: nodeIds.map((nodeId) => ({ nodeId })),
  });
  return { what: 'place', resources: [{ kind: 'server' }], pools: [{ is: 'in', poolIds: [pool.id] }] };
}

describe('a node that is cleaned for five minutes', () => {
  test('B03 after a lease from ten to twelve, twelve and four past are taken, and five past is free; before it the same', async () => {
    const host = await server({ cleaningSeconds: 300 });
    const lease = await s.take([whole(host)], window(0, 120));
    for (const [from, until, code] of [
      [120, 180, 'allocation-conflict'],
      [124, 180, 'allocation-conflict'],
      [-30, 0, 'allocation-conflict'],
      [-30, -4, 'allocation-conflict'],
    ] as const) {
      const refused = await s.ask([whole(host)], window(from, until));
      expect([from, codeOf(refused)]).toEqual([from, code]);
      expect(refused).toMatchObject({ facts: { conflicts: [{ allocationId: lease.id, cleanAt: at(125) }] } });
    }
    const tried = await s.ask([whole(host)], window(120, 180), { ...s.caller, dryRun: true });
    expect(tried).toMatchObject({ facts: { explanation: { earliestAt: at(125), soleBlockers: ['held'] } } });
    expect(codeOf(await s.ask([whole(host)], window(-30, -5)))).toBe('ok');
    const next = (await s.ask([whole(host)], window(125, 180))) as Allocation;
    expect(codeOf(next)).toBe('ok');
    // A longer lease would leave no time to clean before the next; an earlier next would not wait for it.
    expect(codeOf(await change(lease.id, { endsAt: at(121) }))).toBe('allocation-conflict');
    expect(codeOf(await change(next.id, { startsAt: at(124) }))).toBe('allocation-conflict');
    expect(codeOf(await change(lease.id, { endsAt: at(119) }))).toBe('ok');
    expect(codeOf(await change(next.id, { startsAt: at(124) }))).toBe('ok');
  });

  test('the exclusion has the last word, whoever writes: of the node, and of its parts', async () => {
    const host = await server({ cleaningSeconds: 300 });
    const lease = await s.take([whole(host)], window(0, 120));
    const other = await s.take([whole(await server({ cleaningSeconds: 300 }))], window(0, 120));
    const part = await s.take([vcpu(await server())], window(0, 120));
    const write = (set: string, id: Id<'alc'>) =>
      s.admin
        .unsafe(`do $$ begin
          update inventory.allocation_item set node_id = '${decodeId('nod', host)}', ${set} where allocation_id = '${decodeId('alc', id)}';
          perform inventory.refuse_whole_and_parts(array(select id from inventory.allocation_item where allocation_id = '${decodeId('alc', id)}'));
          raise exception 'it was let through';
        end $$`)
        .then(
          String,
          (error: { constraint?: string; message: string }) =>
            (error as { cause?: { constraint_name?: string } }).cause?.constraint_name ?? error.message,
        );
    const from = (minutes: number) => `during = tstzrange('${at(minutes)}', '${at(180)}')`;
    expect(await write(from(124), other.id)).toContain('allocation_item_node_held_once');
    expect(await write(from(125), other.id)).toContain('it was let through');
    expect(await write(from(124), part.id)).toContain('given out already, whole or in parts');
    expect(await write(from(125), part.id)).toContain('it was let through');
    expect((await node(host)).cleaningSeconds).toBe(300);
    await free(lease.id);
  });

  test('what is given back is cleaned before anyone has it, whole or in part, named or described; what nobody used is clean', async () => {
    const host = await server({ cleaningSeconds: 300 });
    const place = await placeIn([host]);
    for (const more of [window(0, 120), { ttlSeconds: 60 }]) {
      const unused = await s.take([whole(host)], more);
      await free(unused.id);
      expect(
        (
          await s.admin.unsafe(`select cleaning_seconds from inventory.allocation_item where allocation_id = $1`, [
            decodeId('alc', unused.id),
          ])
        )[0],
      ).toEqual({ cleaning_seconds: 0 });
    }
    const hold = await s.take([whole(host)], { ttlSeconds: 60 });
    await s.pass(2, hold.id);
    // It ran out unused, and nobody has swept it.
    const got = await s.take([place]);
    await free(got.id);
    for (const items of [[whole(host)], [vcpu(host)], [place]]) {
      const refused = await s.ask(items, {}, { ...s.caller, dryRun: true });
      expect(codeOf(refused)).toBe(items[0] === place ? 'capacity-exhausted' : 'allocation-conflict');
    }
    expect(await s.ask([whole(host)])).toMatchObject({
      detail: expect.stringContaining('being cleaned until'),
      facts: {
        conflicts: [{ reason: 'cleaning' }],
        explanation: { soleBlockers: ['held'], unblock: [{ type: 'wait', filter: 'held' }] },
      },
    });
    await since(299, host);
    expect(codeOf(await s.ask([whole(host)]))).toBe('allocation-conflict');
    await since(1, host);
    const again = await s.take([place]);
    // The lease runs out unswept: its taker ends it, and is told of the cleaning.
    await since(90_000, host);
    await change(again.id, { endsAt: at(0) });
    await s.pass((base - Date.now()) / 60_000 + 1, again.id);
    expect(codeOf(await s.ask([whole(host)]))).toBe('allocation-conflict');
    expect(codeOf(await s.ask([place]))).toBe('capacity-exhausted');
    expect(await s.broken()).toEqual([]);
  });

  test('a kind says it for its nodes, and a node for itself', async () => {
    await s.admin.unsafe(`update inventory.kind set cleaning_seconds = 60, scrubs = true where key = 'appliance'`);
    const ids = await Promise.all(
      [{}, { cleaningSeconds: 0, scrubs: false }].map((more) =>
        s.inventory.node.register(s.caller, { kind: 'appliance', name: newId(), ...more }),
      ),
    );
    expect(ids.map(({ cleaningSeconds, scrubs }) => [cleaningSeconds, scrubs])).toEqual([
      [60, true],
      [undefined, undefined],
    ]);
    const own = await s.inventory.node.amend(s.caller, {
      id: ids[1]!.id,
      patch: { cleaningSeconds: null, scrubs: null },
    });
    expect(own).toMatchObject({ cleaningSeconds: 60, scrubs: true, version: 2 });
    expect(
      codeOf(await orProblem(s.inventory.node.amend(s.caller, { id: own.id, patch: { cleaningSeconds: -1 } }))),
    ).toBe('validation-failed');
  });
});

describe('a node that is scrubbed', () => {
  const scrubbed = () => server({ scrubs: true, cleaningSeconds: 600 });

  test('nobody has it until it is declared clean, once, by who scrubbed it after its last use', async () => {
    const host = await scrubbed();
    const first = await s.take([whole(host)]);
    await free(first.id);
    expect(await node(host)).toMatchObject({ state: 'scrubbing', version: 3 });
    const refused = await s.ask([whole(host)], {}, { ...s.caller, dryRun: true });
    expect(refused).toMatchObject({ code: 'state-conflict', facts: { state: 'scrubbing' } });
    // Ahead it may be booked, once there was time for it.
    expect(codeOf(await s.ask([whole(host)], window(0, 60), { ...s.caller, dryRun: true }))).toBe('ok');
    expect(await clean(host, { version: 2 })).toMatchObject({ code: 'version-mismatch' });
    expect(await clean(host, { fence: first.items[0]?.fence })).toMatchObject({ state: 'available', version: 4 });
    expect(await clean(host)).toMatchObject({
      code: 'state-conflict',
      facts: { allowedStates: ['scrubbing', 'quarantined'] },
    });
    const second = await s.take([whole(host)]);
    await free(second.id);
    // A report that comes late is about the use before.
    expect(await clean(host, { fence: first.items[0]?.fence })).toMatchObject({ code: 'fence-stale' });
    await s.inventory.node.amend(s.caller, { id: host, patch: { state: 'available' } });
    const third = await s.take([whole(host)]);
    await s.inventory.node.amend(s.caller, { id: host, patch: { state: 'failed' } });
    await free(third.id);
    // What failed is not scrubbed.
    expect((await node(host)).state).toBe('failed');
  });

  test('what is not declared clean in time is quarantined, and a booking that finds it so fails', async () => {
    const host = await scrubbed();
    const lease = await s.take([whole(host)], { endsAt: at(0) });
    const booked = await s.take([whole(host)], window(10, 60));
    await s.pass((base - Date.now()) / 60_000 + 1, lease.id);
    expect(await sweepAllocations(s.deps)).toBeGreaterThan(0);
    expect([(await node(host)).state, await quarantineFew(s.deps)]).toEqual(['scrubbing', 0]);
    await since(600, host);
    expect(await Promise.all([quarantineFew(s.deps), quarantineFew(s.deps)])).toEqual(expect.arrayContaining([1, 0]));
    expect(await node(host)).toMatchObject({ state: 'quarantined', version: 4 });
    await s.pass((base - Date.now()) / 60_000 + 11, booked.id);
    expect(await beginFew(s.deps)).toBe(1);
    expect(await s.inventory.allocation.get(s.caller, { id: booked.id })).toMatchObject({
      state: 'failed',
      failure: { code: 'state-conflict' },
    });
    expect(await clean(host)).toMatchObject({ state: 'available' });
    expect(codeOf(await s.ask([whole(host)]))).toBe('ok');
  });

  test('a lease whose expiry asks for quarantine leaves its nodes in it, scrubbed or not; one that is given back does not', async () => {
    const [plain, other] = [await server(), await server()];
    const lease = await s.take([whole(plain), whole(other)], { ttlSeconds: 60, onExpiry: 'quarantine' });
    await s.pass(2, lease.id);
    expect(codeOf(await s.ask([whole(plain)]))).toBe('state-conflict');
    await sweepAllocations(s.deps);
    expect([(await node(plain)).state, (await node(other)).state]).toEqual(['quarantined', 'quarantined']);
    await clean(plain);
    const again = await s.take([whole(plain)], { ttlSeconds: 60, onExpiry: 'quarantine' });
    await free(again.id);
    expect((await node(plain)).state).toBe('available');
  });

  test('in one batch what is given back is not given on before it is clean; twelve who give back and take over each other never meet in a circle', async () => {
    const hosts = await Promise.all([scrubbed(), scrubbed(), scrubbed(), scrubbed()]);
    const create = (host: Id<'nod'>) => ({
      op: 'create' as const,
      environmentId: 'env' as never,
      consumer: { service: 'test', kind: 'thing', id: newId() },
      items: [whole(host)],
    });
    const { environmentId, id, version } = await s.take([whole(hosts[0])]);
    const batch = (operations: object[]) =>
      orProblem(s.inventory.allocation.batch(s.caller, { operations: operations as never }));
    const made = (host: Id<'nod'>) => ({ ...create(host), environmentId });
    const refused = await batch([{ op: 'release', id, version }, made(hosts[0])]);
    expect(refused).toMatchObject({ code: expect.stringMatching(/allocation-conflict|state-conflict/u) });
    await free(id);
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, async (_, client) => {
        const seen: string[] = [];
        for (let round = 0; round < 5; round += 1) {
          const [a, b] = [hosts[(client + round) % 4]!, hosts[(client * 3 + round + 1) % 4]!];
          await clean(a);
          const got = await s.ask(a === b ? [whole(a)] : [whole(a), whole(b)]);
          seen.push(codeOf(got));
          if (codeOf(got) !== 'ok') continue;
          const mine = got as Allocation;
          const spare = hosts.find((host) => host !== a && host !== b)!;
          const swapped = await batch([{ op: 'release', id: mine.id, version: mine.version }, made(spare)]);
          seen.push(codeOf(swapped));
          if (codeOf(swapped) === 'ok') await free((swapped as { items: Allocation[] }).items[1]!.id);
          else await orProblem(free(mine.id));
        }
        return seen;
      }),
    );
    expect(
      [...new Set(outcomes.flat())].filter(
        (code) => !['ok', 'allocation-conflict', 'state-conflict', 'overloaded'].includes(code),
      ),
    ).toEqual([]);
    expect(outcomes.flat().filter((code) => code === 'ok').length).toBeGreaterThan(2);
    expect(await s.broken()).toEqual([]);
    const [row] = await s.admin.unsafe(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    expect(row).toEqual({ deadlocks: 0 });
  }, 60_000);
});
