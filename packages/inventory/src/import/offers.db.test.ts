import { defaultScopes } from '@sentral/contracts/conformance/inventory-allocation';
import { decodeId, type Id } from '@sentral/contracts/ids';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importer, openImporting, upsert, type Importing } from '../../test/import/harness.js';
import { createInventory, type Inventory } from '../index.js';
import { listImportResults } from './results.js';

let at: Importing;
let inventory: Inventory;
beforeAll(async () => {
  at = await openImporting();
  inventory = createInventory(at.deps, { results: true });
});
afterAll(() => at?.close());

const server = (name: string, capacities?: readonly object[]) =>
  upsert(name, { type: 'node', kind: 'server', name, ...(capacities === undefined ? {} : { capacities }) });
const vcpu = (total: number, more: object = {}) => ({ class: 'vcpu', total, ...more });
const memory = (total: number) => ({ class: 'memoryMib', total });

async function nodeOf(source: string, key: string): Promise<Id<'nod'>> {
  const { items } = await inventory.node.list(importer, { source, externalId: key, limit: 1 });
  return items[0]!.id;
}
async function offered(source: string, key: string) {
  const { items, version } = await inventory.capacity.list(importer, { nodeId: await nodeOf(source, key) });
  return { version, of: Object.fromEntries(items.map((each) => [each.class, [each.total, each.cap, each.overBy]])) };
}
async function refusedOf(id: Id<'imp'>) {
  const { items } = await listImportResults(at.deps, importer, { id, outcome: ['refused'], limit: 100 });
  return Object.fromEntries(items.map(({ externalId, problem }) => [externalId, [problem?.code, problem?.['detail']]]));
}
const take = (nodeId: Id<'nod'>, amount: number) =>
  inventory.allocation.reserve(
    { ...importer, scopes: defaultScopes },
    {
      environmentId: defaultEnvironmentId,
      consumer: { service: 'test', kind: 'import', id: nodeId },
      items: [{ what: 'capacity', nodeId, class: 'vcpu', amount }],
    },
  );

test('hosts come with what they have to give, can be taken from at once, and the same lines again change nothing', async () => {
  const lines = server('a', [vcpu(16, { overcommitPct: 150 }), memory(1_024)]) + server('b', [vcpu(8)]) + server('c');
  expect(await at.done('pool', lines)).toMatchObject({ state: 'succeeded', counts: { created: 3 } });
  expect([await offered('pool', 'a'), await offered('pool', 'b'), await offered('pool', 'c')]).toEqual([
    { version: 1, of: { memoryMib: [1_024, 1_024, 0], vcpu: [16, 24, 0] } },
    { version: 1, of: { vcpu: [8, 8, 0] } },
    { version: 1, of: {} },
  ]);
  await take(await nodeOf('pool', 'a'), 20);
  const facts = await at.count('feed');
  expect(await at.done('pool', lines)).toMatchObject({ counts: { unchanged: 3 } });
  expect(await at.count('feed')).toBe(facts);

  // Another total, a class more, and a line that says nothing of what its node has to give.
  const changed = server('a', [vcpu(10), memory(1_024)]) + server('b') + server('c', [memory(64)]);
  expect(await at.done('pool', changed)).toMatchObject({ counts: { updated: 2, unchanged: 1 } });
  expect([await offered('pool', 'a'), await offered('pool', 'b'), await offered('pool', 'c')]).toEqual([
    { version: 2, of: { memoryMib: [1_024, 1_024, 0], vcpu: [10, 10, 10] } },
    { version: 1, of: { vcpu: [8, 8, 0] } },
    { version: 2, of: { memoryMib: [64, 64, 0] } },
  ]);
  const [told] = await at.admin.unsafe(
    `select event -> 'capacities' -> 1 ->> 'total' as total from feed where resource_id = $1::uuid order by seq desc limit 1`,
    [decodeId('nod', await nodeOf('pool', 'a'))],
  );
  expect(told?.['total']).toBe('10');
});

test('a class of which something is used stays, and its line alone is refused; what nobody uses goes', async () => {
  await at.done('used', server('a', [vcpu(4), memory(64)]) + server('b', [vcpu(4)]));
  const nodeId = await nodeOf('used', 'a');
  await take(nodeId, 3);
  const ended = await at.done('used', server('a', [memory(64)]) + server('b', []));
  expect([ended.counts, await refusedOf(ended.id)]).toEqual([
    expect.objectContaining({ refused: 1, updated: 1 }),
    { a: ['has-dependents', 'vcpu of it is in use'] },
  ]);
  expect([(await offered('used', 'a')).of, (await offered('used', 'b')).of]).toEqual([
    { memoryMib: [64, 64, 0], vcpu: [4, 4, 0] },
    {},
  ]);
  expect(await at.done('used', server('a', [vcpu(4)]))).toMatchObject({ counts: { updated: 1 } });
  expect((await offered('used', 'a')).of).toEqual({ vcpu: [4, 4, 0] });
  const used = (await inventory.capacity.get(importer, { nodeId, class: 'vcpu' })).used;
  expect(used).toBe(3);
});

test('what cannot be offered is told by the line and the field, and stops nothing else', async () => {
  const many = Array.from({ length: 65 }, (_, n) => ({ class: `c${n}`, total: 1 }));
  const ended = await at.done(
    'wrong',
    server('zero', [vcpu(0)]) +
      server('unknown', [{ class: 'unobtainium', total: 1 }]) +
      server('twice', [vcpu(1), vcpu(2)]) +
      server('units', [vcpu(4, { minUnit: 3, maxUnit: 2 })]) +
      server('field', [vcpu(4, { used: 3 })]) +
      server('many', many) +
      server('good', [vcpu(4)]),
  );
  expect(ended).toMatchObject({ state: 'succeeded', counts: { created: 1, refused: 6 } });
  const told = await refusedOf(ended.id);
  expect(
    Object.fromEntries(
      Object.entries(told).map(([key, [code, detail]]) => [key, [code, String(detail).split(':')[0]]]),
    ),
  ).toEqual({
    zero: ['validation-failed', 'resource.capacities.0.total'],
    unknown: ['validation-failed', 'capacities.0.class'],
    twice: ['validation-failed', 'capacities.1.class'],
    units: ['validation-failed', 'capacities.0.maxUnit'],
    field: ['validation-failed', 'resource.capacities.0.used'],
    many: ['validation-failed', 'resource.capacities'],
  });
  expect((await offered('wrong', 'good')).of).toEqual({ vcpu: [4, 4, 0] });
});
