import { decodeId, type Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordChanges, type Change } from '../src/events.js';
import { codeOf, instantOf, orProblem, stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s?.close());

type AsOf = { readonly asOf?: string };

/** One of each that has versions, and the versions that lists of it alone have of it, now or as of then. */
async function things() {
  const { inventory, caller } = s;
  const name = newId();
  const register = async (kind: string, more: object = {}) => {
    const { id } = await inventory.node.register(caller, { kind, name: newId(), ...more });
    return id;
  };
  const nodeId = await register('server', { name });
  const [a, b] = [await register('interface', { parentId: nodeId }), await register('interface', { parentId: nodeId })];
  const spaceId = (await inventory.addressSpace.create(caller, { name })).id;
  const domainId = (await inventory.numberDomain.create(caller, { name, kind: 'vlan' })).id;
  const edge = await inventory.edge.connect(caller, { edgeType: 'connects', a: [a], b: [b] });
  const block = await inventory.addressBlock.create(caller, { spaceId, cidr: '10.0.0.0/24', nodeId });
  const address = await inventory.address.record(caller, { spaceId, address: '10.0.0.1', nodeId });
  await inventory.number.record(caller, { domainId, value: 7, nodeId });
  const [number] = await s.admin.unsafe(`select id::text as id from inventory.number where domain_id = $1`, [
    decodeId('ndm', domainId),
  ]);
  const held = await s.take([{ what: 'node', nodeId }]);
  type List = Promise<{ readonly items: readonly { readonly version: number }[] }>;
  const made: readonly [table: string, uuid: string, what: Change['what'], list: (at: AsOf) => List][] = [
    ['node', decodeId('nod', nodeId), 'node.amended', (at) => inventory.node.list(caller, { ...at, name })],
    ['edge', decodeId('edg', edge.id), 'edge.amended', (at) => inventory.edge.list(caller, { ...at, nodeId: a })],
    [
      'address_block',
      decodeId('blk', block.id),
      'addressBlock.amended',
      (at) => inventory.addressBlock.list(caller, { ...at, spaceId }),
    ],
    [
      'address',
      decodeId('adr', address.id),
      'address.amended',
      (at) => inventory.address.list(caller, { ...at, spaceId }),
    ],
    ['number', String(number?.['id']), 'number.amended', (at) => inventory.number.list(caller, { ...at, domainId })],
    [
      'allocation',
      decodeId('alc', held.id),
      'allocation.renewed',
      (at) => inventory.allocation.list(caller, { ...at, nodeId }),
    ],
  ];
  const told = async (asOf?: string) => {
    const at = asOf === undefined ? {} : { asOf };
    const all = made.map(async ([table, , , list]) => [table, (await list(at)).items.map(({ version }) => version)]);
    return Object.fromEntries(await Promise.all(all)) as Record<string, number[]>;
  };
  return { nodeId, made, told };
}

test('what one transaction changes twice is told as it was before and as it was left, and is one version at every instant', async () => {
  const { nodeId, made, told } = await things();
  const every = (...versions: number[]) => Object.fromEntries(made.map(([table]) => [table, versions]));
  const before = await s.instant();
  const inside: string[] = [];
  await inTransaction(s.deps.db.app, async (tx) => {
    await tx.unsafe('select now()');
    for (const version of [2, 3]) {
      inside.push(await instantOf(tx));
      for (const [table, id, what] of made) {
        await tx.unsafe(`update ${table} set version = version + 1 where id = $1`, [id]);
        await recordChanges(tx, s.caller, [{ what, id, version, after: null }]);
      }
    }
    inside.push(await instantOf(tx));
    // Until it ends nobody is told of it.
    expect(await told(inside[1])).toEqual(every(1));
  });
  const after = await s.instant();
  expect([await told(before), await told(after), await told()]).toEqual([every(1), every(3), every(3)]);
  for (const instant of inside) expect(await told(instant)).toEqual(every(3));

  const changes = async (from: string, to: string) =>
    (await s.inventory.node.changes(s.caller, { id: nodeId, from, to, types: ['node', 'allocation'] })).items.map(
      (each) => [each.type, each.fromVersion, each.toVersion],
    );
  const both = [
    ['node', 1, 3],
    ['allocation', 1, 3],
  ];
  expect([await changes(before, after), await changes(before, inside[1]!), await changes(inside[1]!, after)]).toEqual([
    both,
    both,
    [],
  ]);
});

test('what one transaction makes and changes is told as it was left, from the beginning', async () => {
  const { inventory, caller } = s;
  const parentId = await s.host([], 'location');
  const id: Id<'nod'> = (await inventory.node.register(caller, { kind: 'site', name: newId() })).id;
  const before = await s.instant();
  const made = await inventory.node.batch(caller, {
    operations: [
      { op: 'create', node: { kind: 'rack', name: 'made', parentId } },
      { op: 'update', id, patch: { labels: { turn: 'first' } } },
      { op: 'update', id, patch: { labels: { turn: 'second' }, name: 'left' } },
    ],
  });
  const [rack, , site] = made.items;
  const was = async (node: Id<'nod'>, asOf: string) =>
    (await inventory.node.list(caller, { asOf, limit: 500 })).items
      .filter((each) => each.id === node)
      .map(({ version, labels }) => [version, labels]);
  expect([await was(rack!.id, before), await was(id, before)]).toEqual([[], [[1, {}]]]);
  for (const asOf of [site!.updatedAt, await s.instant()])
    expect([await was(rack!.id, asOf), await was(id, asOf)]).toEqual([[[1, {}]], [[3, { turn: 'second' }]]]);
});

test('a node that was retired is told as of before: by its id, its key, its name and where it lay; and as of after as what it is', async () => {
  const { inventory, caller } = s;
  const [parentId, source] = [await s.host([], 'rack'), newId()];
  const { id, name } = await inventory.node.register(caller, {
    kind: 'server',
    name: newId(),
    parentId,
    externalIds: [{ source, externalId: 'key' }],
  });
  const before = await s.instant();
  const gone = await inventory.node.retire(caller, { id });
  const after = await s.instant();
  const told = async (at: AsOf) => {
    const found = await Promise.all([
      inventory.node.list(caller, { ...at, name: name! }),
      inventory.node.list(caller, { ...at, parentId }),
      inventory.node.list(caller, { ...at, source, externalId: 'key' }),
      inventory.node.subtree(caller, { ...at, id: parentId }),
    ]);
    return found.map(({ items }) => items.filter((each) => each.id === id).map(({ state }) => state));
  };
  const there = ['available'];
  expect(await told({ asOf: before })).toEqual([there, there, there, there]);
  for (const at of [{ asOf: gone.updatedAt }, { asOf: after }, {}]) expect(await told(at)).toEqual([[], [], [], []]);
  const states = [before, gone.updatedAt, after].map(async (asOf) => {
    const { state, version } = await inventory.node.get(caller, { id, asOf });
    return [state, version];
  });
  expect(await Promise.all(states)).toEqual([
    ['available', 1],
    ['retired', 2],
    ['retired', 2],
  ]);
});

test('a node whose row is deleted is told as of before, and no more as of after', async () => {
  const { inventory, caller } = s;
  const { id } = await inventory.node.register(caller, {
    kind: 'site',
    name: newId(),
    externalIds: [{ source: 't', externalId: newId() }],
  });
  await inventory.node.amend(caller, { id, patch: { labels: { is: 'last' } } });
  const before = await s.instant();
  const uuid = decodeId('nod', id);
  await inTransaction(s.admin, async (tx) => {
    await tx.unsafe(`set local search_path = inventory, extensions`);
    await tx.unsafe(`delete from provider_use where provider_id = $1`, [uuid]);
    await tx.unsafe(`delete from external_id where resource_id = $1`, [uuid]);
    await tx.unsafe(`delete from node where id = $1`, [uuid]);
    await recordChanges(tx, caller, [{ what: 'node.retired', id: uuid, version: 3, after: null }]);
  });
  const after = await s.instant();
  const get = (at: AsOf) => orProblem(inventory.node.get(caller, { id, ...at }));
  expect(await get({ asOf: before })).toMatchObject({
    labels: { is: 'last' },
    version: 2,
    externalIds: [{ source: 't' }],
  });
  expect([codeOf(await get({ asOf: after })), codeOf(await get({}))]).toEqual(['not-found', 'not-found']);
  expect(codeOf(await orProblem(inventory.node.changes(caller, { id, from: before })))).toBe('not-found');
});
