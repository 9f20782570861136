import { decodeId, type Id } from '@sentral/contracts/ids';
import { constraintName } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { codeOf, orProblem, stand, type Item, type Outcome, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(16);
});
afterEach(async () => expect(await s.broken()).toEqual([]));
afterAll(() => s.close());

const vcpu = (nodeId: Id<'nod'>, amount = 1): Item => ({ what: 'capacity', nodeId, class: 'vcpu', amount });
const times = <T>(n: number, work: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));
const tally = (outcomes: readonly Outcome[]) => {
  const codes = outcomes.map(codeOf);
  return Object.fromEntries(
    [...new Set(codes)].toSorted().map((code) => [code, codes.filter((each) => each === code).length]),
  );
};

test('P72 32 clients take 300 units of 300 and a fifth more is refused', async () => {
  const host = await s.host([{ class: 'vcpu', total: 300 }]);
  const outcomes: Outcome[] = [];
  let left = 360;
  await times(32, async () => {
    while ((left -= 1) >= 0) outcomes.push(await s.ask([vcpu(host)]));
  });
  expect(tally(outcomes)).toEqual({ ok: 300, 'capacity-exhausted': 60 });
  expect(await s.used(host)).toBe(300);
}, 120_000);

test('two nodes asked for in opposite order by 24 clients: no deadlock, no failure, as many winners as there is', async () => {
  const [x, y] = [await s.host([{ class: 'vcpu', total: 10 }]), await s.host([{ class: 'vcpu', total: 10 }])];
  const deadlocks = async () => {
    const [row] = await s.admin.unsafe(
      'select deadlocks::int as n from pg_stat_database where datname = current_database()',
    );
    return Number(row?.['n']);
  };
  const before = await deadlocks();
  const outcomes = await times(24, (i) => s.ask(i % 2 === 0 ? [vcpu(x), vcpu(y)] : [vcpu(y), vcpu(x)]));
  expect(tally(outcomes)).toEqual({ ok: 10, 'capacity-exhausted': 14 });
  expect([await s.used(x), await s.used(y), await deadlocks()]).toEqual([10, 10, before]);
});

test('P75 while taking and giving back race, a counter never shows more than its cap nor less than nothing', async () => {
  const host = await s.host([{ class: 'vcpu', total: 10 }]);
  const held = await times(10, () => s.take([vcpu(host)]));
  const seen: number[] = [];
  let over = false;
  const reader = (async () => {
    while (!over) seen.push(await s.used(host));
  })();
  await times(10, async (i) => {
    let { id } = held[i]!;
    for (let round = 0; round < 20; round += 1) {
      await s.inventory.allocation.release(s.caller, { id });
      for (;;) {
        const got = await s.ask([vcpu(host)]);
        if (codeOf(got) === 'ok') {
          ({ id } = got as { id: Id<'alc'> });
          break;
        }
        expect(codeOf(got)).toBe('capacity-exhausted');
      }
    }
  });
  over = true;
  await reader;
  expect([Math.max(...seen) <= 10, Math.min(...seen) >= 0, await s.used(host)]).toEqual([true, true, 10]);
});

test('a hold that ran out and that nobody has swept does not block, also where it holds of a second node', async () => {
  const [x, y] = [await s.host([{ class: 'vcpu', total: 1 }]), await s.host([{ class: 'vcpu', total: 1 }])];
  await s.take([vcpu(x), vcpu(y)], { ttlSeconds: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const outcomes = await times(12, (i) => s.ask([vcpu(i % 2 === 0 ? x : y)]));
  expect(tally(outcomes)).toEqual({ ok: 2, 'capacity-exhausted': 10 });
  expect([await s.used(x), await s.used(y)]).toEqual([1, 1]);
});

test('takers, a sweeper and renewals of what runs out meet without a deadlock, and the ledger holds', async () => {
  const hosts = await times(3, () => s.host([{ class: 'vcpu', total: 6 }]));
  const two = (i: number): Item[] => [vcpu(hosts[i % 3]!), vcpu(hosts[(i + 1 + (i % 2)) % 3]!)];
  let over = false;
  const sweeping = (async () => {
    while (!over) await sweepAllocations(s.deps);
  })();
  const outcomes = await times(8, async (i) => {
    const mine: Outcome[] = [];
    for (let round = 0; round < 12; round += 1) {
      const got = await s.ask(two(i + round), { ttlSeconds: 1, maxTtlSeconds: 3 });
      mine.push(got);
      if (codeOf(got) !== 'ok') await new Promise((resolve) => setTimeout(resolve, 50));
      else if (round % 3 === 0)
        await orProblem(s.inventory.allocation.renew(s.caller, { id: (got as { id: Id<'alc'> }).id, ttlSeconds: 1 }));
    }
    return mine;
  });
  over = true;
  await sweeping;
  expect(Object.keys(tally(outcomes.flat())).toSorted()).toEqual(['capacity-exhausted', 'ok']);
});

test('of 40 that want one whole server and parts of it at once, either the whole is given or parts are', async () => {
  const host = await s.host([{ class: 'vcpu', total: 4 }], 'server');
  const outcomes = await times(40, (i) => s.ask([i % 2 === 0 ? vcpu(host) : { what: 'node', nodeId: host }]));
  const won = outcomes.flatMap((each) => (codeOf(each) === 'ok' ? (each as { items: { what: string }[] }).items : []));
  const kinds = new Set(won.map((item) => item.what));
  expect(kinds.size).toBe(1);
  expect(won).toHaveLength(kinds.has('node') ? 1 : 4);
});

/** A server with a module that offers processors on a board in it, and a port. */
async function serverWithParts() {
  const server = await s.host([], 'server');
  const inside = async (kind: string, parentId: Id<'nod'>) =>
    (await s.inventory.node.register(s.caller, { kind, name: kind, parentId })).id;
  const board = await inside('module', await inside('module', server));
  await s.inventory.capacity.set(s.caller, { nodeId: board, capacities: [{ class: 'vcpu', total: 4 }] });
  return { server, board, port: await inside('interface', server) };
}
const whole = (nodeId: Id<'nod'>): Item => ({ what: 'node', nodeId });

test('who has a server whole has what is in it, and who has a part of it keeps the whole from everyone', async () => {
  const { server, board, port } = await serverWithParts();
  const takes = async (item: Item) => codeOf(await s.ask([item]));
  const held = await s.take([whole(server)]);
  expect([await takes(vcpu(board)), await takes(whole(port)), await takes(whole(server))]).toEqual(
    Array.from({ length: 3 }, () => 'allocation-conflict'),
  );
  await s.inventory.allocation.release(s.caller, { id: held.id });
  for (const part of [vcpu(board), whole(port)]) {
    const { id } = await s.take([part]);
    expect(await takes(whole(server))).toBe('allocation-conflict');
    expect(await takes({ what: 'place', resources: [{ kind: 'server' }], location: server } as never)).toBe(
      'capacity-exhausted',
    );
    await s.inventory.allocation.release(s.caller, { id });
  }
  expect(codeOf(await s.ask([whole(server), vcpu(board)]))).toBe('allocation-conflict');
  // A rack is given out without what stands in it: only components are parts.
  const rack = (
    await s.inventory.node.register(s.caller, { kind: 'rack', name: 'r', parentId: await s.host([], 'site') })
  ).id;
  await s.inventory.node.amend(s.caller, { id: server, patch: { parentId: rack } });
  await s.take([vcpu(board)]);
  expect(await takes(whole(rack))).toBe('ok');

  // Whichever way: a component in use does not move into what is given out whole, and no row says otherwise.
  const other = await s.host([], 'server');
  await s.take([whole(other)]);
  const module = (await s.inventory.node.get(s.caller, { id: board })).parentId;
  const move = s.inventory.node.amend(s.caller, { id: module as Id<'nod'>, patch: { parentId: other } });
  expect(codeOf(await orProblem(move))).toBe('allocation-conflict');
  const raw = inTransaction(s.deps.db.app, (tx) =>
    tx.unsafe(
      `insert into allocation_item (id, allocation_id, tenant_id, ordinal, what, node_id, during, fence)
       select gen_random_uuid(), i.allocation_id, i.tenant_id, 99, 'node', $1, i.during, nextval('allocation_fence')
       from allocation_item i where i.node_id = $2 and i.ended_at is null`,
      [decodeId('nod', server), decodeId('nod', board)],
    ),
  );
  expect(await raw.catch(constraintName)).toBe('allocation_item_whole_or_in_parts');
});

test('of 40 that want one server whole, a part of a board in it or a port of it at once, the whole is given or parts are', async () => {
  for (let round = 0; round < 3; round += 1) {
    const { server, board, port } = await serverWithParts();
    const outcomes = await times(40, (i) =>
      s.ask([[whole(server), vcpu(board), whole(server), whole(port)][i % 4] as Item]),
    );
    const won = outcomes.flatMap((each) =>
      codeOf(each) === 'ok' ? (each as { items: { nodeId?: string }[] }).items : [],
    );
    const isWhole = won.some((item) => item.nodeId === server);
    expect(won.map((item) => item.nodeId === server)).toEqual(
      isWhole ? [true] : Array.from({ length: 5 }, () => false),
    );
  }
});

test('of many who set what a node offers at once, without a version, the last has it all, whether its classes were there or not', async () => {
  const offers = [['vcpu'], ['vcpu', 'memoryMib'], ['memoryMib', 'diskGib'], ['diskGib']].map((classes, at) =>
    classes.map((of) => ({ class: of, total: at + 1 })),
  );
  for (let round = 0; round < 5; round += 1) {
    const nodeId = await s.host([]);
    const told = await times(12, (n) =>
      s.inventory.capacity.set(s.caller, { nodeId, capacities: offers[n % offers.length]! }),
    );
    const shown = (items: readonly { class: string; total: number }[]) =>
      items.map((item) => `${item.class} ${item.total}`).toSorted();
    for (const [n, { items }] of told.entries()) expect(shown(items)).toEqual(shown(offers[n % offers.length]!));
    const last = told.toSorted((a, b) => b.version - a.version)[0]!;
    expect(shown((await s.inventory.capacity.list(s.caller, { nodeId })).items)).toEqual(shown(last.items));
  }
});

test('who sets what a node offers beside who reshapes it has it, or is told why not', async () => {
  const codes = new Set<string>();
  const classes = (['vcpu', 'memoryMib', 'diskGib'] as const).map((of) => [{ class: of, total: 1 }]);
  for (let round = 0; round < 20; round += 1) {
    const nodeId = await s.host([]);
    const { version } = await s.inventory.capacity.list(s.caller, { nodeId });
    const work = (n: number): Promise<unknown> => {
      const capacities = classes[n % classes.length]!;
      const reshape = { nodes: [{ id: nodeId, version, capacities }], allocations: [] };
      return n < 2
        ? s.inventory.node.reshape(s.caller, reshape)
        : s.inventory.capacity.set(s.caller, { nodeId, capacities });
    };
    for (const told of await times(6, (n) => orProblem(work(n)))) codes.add(codeOf(told));
    expect((await s.inventory.capacity.list(s.caller, { nodeId })).items).toHaveLength(1);
  }
  expect(['ok', 'version-mismatch', 'overloaded']).toEqual(expect.arrayContaining([...codes]));
});
