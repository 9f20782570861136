import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { nodeIntents, nodeStates } from '@sentral/contracts/inventory/node';
import { defaultTenantId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { healAll } from '../src/allocation/heal.js';
import { listStricken } from '../src/allocation/heal-sql.js';
import { createInventoryLoops } from '../src/index.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(12);
});
afterAll(() => s.close());

const base = Math.ceil(Date.now() / 60_000) * 60_000 + 3_600_000;
const at = (minutes: number) => new Date(base + minutes * 60_000).toISOString();
const window = (from: number, until: number) => ({ startsAt: at(from), endsAt: at(until) });
const whole = (nodeId: Id<'nod'>): Item => ({ what: 'node', nodeId });
const vcpu = (nodeId: Id<'nod'>, amount: number): Item => ({ what: 'capacity', nodeId, class: 'vcpu', amount });
const get = (id: Id<'alc'>) => s.inventory.allocation.get(s.caller, { id });
const become = (id: Id<'nod'>, patch: { state?: 'failed' | 'available'; intent?: 'expunged' }) =>
  s.inventory.node.amend(s.caller, { id, patch });
const nodesOf = ({ items }: Allocation) => items.map(({ nodeId }) => nodeId);

/** Servers of a kind of their own, so that no other test’s are like them. */
async function kindOf(category = 'device'): Promise<string> {
  const key = `k${newId().replaceAll('-', '').slice(-12)}`;
  await s.admin.unsafe(
    `insert into inventory.kind (key, title, category, alloc_mode) values ('${key}', 'Of a test', '${category}', 'exclusive')`,
  );
  return key;
}

async function server(kind: string, more: { total?: number; traits?: string[] } = {}): Promise<Id<'nod'>> {
  const { total = 4, traits = [] } = more;
  const { id } = await s.inventory.node.register(s.caller, { kind, name: newId(), traits });
  await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [{ class: 'vcpu', total }] });
  return id;
}

const told = async (id: Id<'alc'>) =>
  (
    await s.admin.unsafe(`select type from inventory.feed where resource_id = $1 order by resource_version`, [
      decodeId('alc', id),
    ])
  ).map(({ type }) => String(type).split('.').at(-1));

const quota = async () =>
  (
    await s.admin.unsafe(
      `select used::int from inventory.quota_use where scope_id = $1 and dimension = 'inventory.device'`,
      [decodeId('tnt', defaultTenantId)],
    )
  )[0]?.['used'];

test('B16 of a host that fails during a lease another takes the place, and the holder is told; where none fits it is freed, and the holder is told that', async () => {
  const kind = await kindOf();
  await s.inventory.trait.register(s.caller, { key: 'fast', title: 'Fast' });
  const [host, slow, small] = [
    await server(kind, { traits: ['fast'] }),
    await server(kind),
    await server(kind, { traits: ['fast'], total: 3 }),
  ];
  const lease = await s.take([whole(host), vcpu(await s.host([{ class: 'vcpu', total: 2 }]), 1)], { endsAt: at(60) });
  const booked = await s.take([whole(host)], window(90, 120));
  const before = await quota();
  await become(host, { state: 'failed' });
  const other = await server(kind, { traits: ['fast'], total: 5 });
  expect(await healAll(s.deps)).toBe(2);
  const [healed, ahead] = [await get(lease.id), await get(booked.id)];
  expect(healed).toMatchObject({ state: 'active', endsAt: at(60), flags: ['resourcesChanged'], version: 2 });
  expect(healed.items.find(({ what }) => what === 'node')).toMatchObject({ nodeId: other });
  // What it has elsewhere stays as it is, fence and all.
  expect(healed.items.find(({ what }) => what === 'capacity')).toEqual(
    lease.items.find(({ what }) => what === 'capacity'),
  );
  expect(ahead).toMatchObject({ state: 'booked', ...window(90, 120), flags: ['resourcesChanged'] });
  expect([nodesOf(ahead), await quota()]).toEqual([[other], before]);
  expect(await Promise.all([healAll(s.deps), healAll(s.deps)])).toEqual([0, 0]);
  // Neither the slow one nor the small one is like it.
  await become(other, { intent: 'expunged' });
  expect((await Promise.all([healAll(s.deps), healAll(s.deps)])).reduce((a, b) => a + b)).toBe(2);
  const impaired = await get(lease.id);
  expect(impaired).toMatchObject({ state: 'active', flags: ['resourcesChanged', 'missingResources'], version: 3 });
  expect(nodesOf(impaired)).toEqual(nodesOf(lease).filter((id) => id !== host));
  expect([(await get(booked.id)).items, await quota()]).toEqual([[], (before as number) - 2]);
  expect([await told(lease.id), await told(booked.id)]).toEqual([
    ['begun', 'healed', 'impaired'],
    ['booked', 'healed', 'impaired'],
  ]);
  // The holder’s own choice is its answer.
  const chosen = await s.inventory.allocation.replace(s.caller, { id: booked.id, items: [whole(slow)] });
  expect([nodesOf(chosen), chosen.flags]).toEqual([[slow], undefined]);
  expect(codeOf(await s.ask([whole(small)]))).toBe('ok');
  expect(await s.broken()).toEqual([]);
});

test('amounts of one host stay together on another, within its pools; a component that fails takes its own alone', async () => {
  const [kind, part] = [await kindOf(), await kindOf('component')];
  const hosts = await Promise.all(Array.from({ length: 3 }, () => server(kind, { total: 10 })));
  const [host, outside, inside] = hosts as [Id<'nod'>, Id<'nod'>, Id<'nod'>];
  const parts = await Promise.all(
    hosts.map(async (parentId) => {
      const { id } = await s.inventory.node.register(s.caller, { kind: part, name: newId(), parentId });
      await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [{ class: 'memoryMib', total: 8 }] });
      return id;
    }),
  );
  await s.inventory.pool.create(s.caller, { name: newId(), members: [{ nodeId: host }, { nodeId: inside }] });
  await s.take([vcpu(outside, 1)]);
  const memory = (nodeId: Id<'nod'>, amount: number): Item => ({
    what: 'capacity',
    nodeId,
    class: 'memoryMib',
    amount,
  });
  const lease = await s.take([vcpu(host, 3), memory(parts[0]!, 4)], { ttlSeconds: 600 });
  await become(host, { state: 'failed' });
  expect(await healAll(s.deps)).toBe(1);
  const moved = await get(lease.id);
  expect(moved).toMatchObject({ state: 'held', expiresAt: lease.expiresAt, flags: ['resourcesChanged'] });
  expect(nodesOf(moved)).toEqual(expect.arrayContaining([inside, parts[2]]));
  await become(parts[2]!, { state: 'failed' });
  expect(await healAll(s.deps)).toBe(1);
  const left = await get(lease.id);
  expect([nodesOf(left), left.flags]).toEqual([[inside], ['resourcesChanged', 'missingResources']]);
  expect([await s.used(host), await s.used(inside), await s.used(parts[2]!, 'memoryMib')]).toEqual([0, 3, 0]);
  expect(await s.broken()).toEqual([]);
});

test('what is held for a task stays where it is until the task is done with it, and is healed then', async () => {
  const kind = await kindOf();
  const [host, other] = [await server(kind), await server(kind)];
  const taskId = encodeId('tsk', newId());
  const { id } = await s.take([whole(host)], {
    ttlSeconds: 60,
    consumer: { service: 'sentral', kind: 'task', id: taskId },
  });
  await s.inventory.allocation.bind(s.caller, { tenantId: defaultTenantId, taskId });
  await become(host, { state: 'failed' });
  expect([await healAll(s.deps), nodesOf(await get(id))]).toEqual([0, [host]]);
  await s.inventory.allocation.confirm({ ...s.caller, principal: { id: 'task', type: 'system' } }, { id });
  expect([await healAll(s.deps), nodesOf(await get(id))]).toEqual([1, [other]]);
});

test('twelve that lose one host race for the few that are like it, with takers beside them: each is had once, and who gets none is told', async () => {
  const kind = await kindOf();
  const host = await server(kind, { total: 12 });
  const [one, two] = [await server(kind, { total: 4 }), await server(kind, { total: 4 })];
  const held = await Promise.all(Array.from({ length: 12 }, () => s.take([vcpu(host, 1)])));
  await become(host, { state: 'failed' });
  const takers = await Promise.all([
    healAll(s.deps),
    healAll(s.deps),
    ...Array.from({ length: 3 }, () => orProblem(s.take([vcpu(one, 1)]))),
  ]);
  await healAll(s.deps);
  const after = await Promise.all(held.map(({ id }) => get(id)));
  const taken = takers.slice(2).filter((got) => codeOf(got) === 'ok').length;
  const moved = after.filter(({ flags }) => flags?.[0] === 'resourcesChanged').length;
  expect(after.every(({ flags, items }) => (flags?.[0] === 'resourcesChanged') === (items.length === 1))).toBe(true);
  expect([moved, await s.used(host)]).toEqual([8 - taken, 0]);
  expect((await s.used(one)) + (await s.used(two))).toBe(8);
  expect(await s.broken()).toEqual([]);
}, 60_000);

test('what is held of a node that neither failed nor is expunged stays where it is, whatever else is said of the node', async () => {
  const kind = await kindOf();
  const [host] = [await server(kind), await server(kind)];
  const lease = await s.take([whole(host), vcpu(await server(kind), 1)], { endsAt: at(60) });
  for (const intent of nodeIntents.filter((each) => each !== 'expunged'))
    for (const state of nodeStates.filter((each) => each !== 'failed')) {
      // Some are not to be said by hand.
      await s.admin.unsafe(
        `set local session_replication_role = replica; update inventory.node set state = '${state}', intent = '${intent}' where id = '${decodeId('nod', host)}'`,
      );
      expect([intent, state, await healAll(s.deps), await get(lease.id)]).toEqual([intent, state, 0, lease]);
    }
});

test('a host that fails takes along what is held of its components alone, those within them too', async () => {
  const [kind, part] = [await kindOf(), await kindOf('component')];
  const hostWith = async () => {
    const hostId = await server(kind);
    const board = await s.inventory.node.register(s.caller, { kind: part, name: newId(), parentId: hostId });
    const { id } = await s.inventory.node.register(s.caller, { kind: part, name: newId(), parentId: board.id });
    await s.inventory.capacity.set(s.caller, { nodeId: id, capacities: [{ class: 'memoryMib', total: 8 }] });
    return { hostId, partId: id };
  };
  const [one, other] = [await hostWith(), await hostWith()];
  const memory: Item = { what: 'capacity', nodeId: one.partId, class: 'memoryMib', amount: 4 };
  const lease = await s.take([memory]);
  await become(one.hostId, { state: 'failed' });
  expect([await healAll(s.deps), nodesOf(await get(lease.id))]).toEqual([1, [other.partId]]);
  expect(await s.broken()).toEqual([]);
});

test('what has run out, and what a living resource of the platform stands on, is not healed', async () => {
  const kind = await kindOf();
  const [host] = [await server(kind), await server(kind)];
  const stricken = async () => (await listStricken(s.deps.db.app, { after: null, limit: 50 })).map(({ id }) => id);
  const task = { tenantId: defaultTenantId, taskId: encodeId('tsk', newId()) };
  const out = await s.take([vcpu(host, 1)], { endsAt: at(60) });
  const ground = await s.take([vcpu(host, 1)], { consumer: { service: 'sentral', kind: 'task', id: task.taskId } });
  await become(host, { state: 'failed' });
  const ids = [out.id, ground.id].map((id) => decodeId('alc', id));
  expect((await stricken()).toSorted()).toEqual(ids.toSorted());
  await s.pass(24 * 60, out.id);
  const nodeId = encodeId('nod', newId());
  await s.inventory.allocation.bind(s.caller, { ...task, records: [{ nodeId, kind: 'bucket', name: `b-${newId()}` }] });
  expect([await stricken(), await healAll(s.deps), nodesOf(await get(ground.id))]).toEqual([[], 0, [host]]);
  await s.admin.unsafe(
    `set local session_replication_role = replica; update inventory.platform_resource set ended_at = now() where node_id = '${decodeId('nod', nodeId)}'`,
  );
  expect([await stricken(), await healAll(s.deps)]).toEqual([ids.slice(1), 1]);
});

test('of more than are looked for at once each is healed in one turn, and the next time by the loop', async () => {
  const kind = await kindOf();
  const many = 60;
  const [host, other] = [await server(kind, { total: many }), await server(kind, { total: many })];
  const held = await Promise.all(Array.from({ length: many }, () => s.take([vcpu(host, 1)])));
  await become(host, { state: 'failed' });
  expect([await healAll(s.deps), await s.used(other)]).toEqual([many, many]);
  const third = await server(kind, { total: many });
  const loops = createInventoryLoops(s.deps);
  try {
    await become(other, { state: 'failed' });
    await expect.poll(() => s.used(third), { timeout: 20_000 }).toBe(many);
  } finally {
    await Promise.all(loops.map((loop) => loop.stop()));
  }
  const after = await Promise.all(held.map(({ id }) => get(id)));
  expect(after.filter((each) => nodesOf(each)[0] !== third || each.version !== 3)).toEqual([]);
}, 60_000);
