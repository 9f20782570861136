import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { problem } from '@sentral/contracts/problem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importer, line, openImporting, upsert, type Importing } from '../../test/import/harness.js';
import { createInventory } from '../index.js';
import { cancelImport } from './cancel.js';
import { getImport } from './get.js';
import { listImportResults } from './results.js';

let at: Importing;
beforeAll(async () => {
  at = await openImporting();
});
afterAll(() => at?.close());

const tenant = (key: string): string => upsert(key, { type: 'tenant', name: `The ${key}` });
const site = (key: string, of?: string): string =>
  upsert(key, { type: 'node', kind: 'site', name: key, ...(of === undefined ? {} : { tenant: of }) });
const shown = async (source: string) =>
  Object.fromEntries(
    (await createInventory(at.deps).node.list(importer, { source, limit: 500 })).items.map((node) => [
      node.externalIds[0]?.externalId,
      { tenantId: node.tenantId, version: node.version },
    ]),
  );
const refusals = async ({ id }: Import) =>
  (await listImportResults(at.deps, importer, { id, outcome: ['refused'], limit: 100 })).items.map(
    ({ externalId, problem: why }) => `${externalId} ${why?.code}`,
  );
const waiting = async (source: string, content: string): Promise<Import> => {
  const { id } = await at.staged(source, content);
  await at.runNext();
  return getImport(at.deps, importer, { id });
};
/** The pause before the next try is over. */
const hurry = () => at.admin.sql`update import set claimed_until = now() where state = 'queued'`;

test('tenants of a file are made, what names them is theirs, and a second import makes and moves nothing', async () => {
  const file = tenant('acme') + tenant('empty') + site('one', 'acme') + site('two');
  const first = await at.done('twice', file);
  expect(first).toMatchObject({ state: 'succeeded', counts: { created: 4 } });
  const { items } = await listImportResults(at.deps, importer, { id: first.id, limit: 10 });
  const { id } = at.tenancy.of('twice').get('acme') ?? {};
  expect(items[0]).toMatchObject({ externalId: 'acme', outcome: 'created', id });
  expect(await shown('twice')).toEqual({
    one: { tenantId: id, version: 1 },
    two: { tenantId: undefined, version: 1 },
  });
  const facts = await at.count('feed');
  expect((await at.done('twice', file)).counts).toEqual({ unchanged: 4 });
  expect(at.tenancy.of('twice').size).toBe(2);
  expect(await at.count('feed')).toBe(facts);
  expect((await at.done('twice', tenant('acme') + site('two', 'acme'))).counts).toEqual({ unchanged: 1, updated: 1 });
});

test('a dry run makes no tenant and says what it would make', async () => {
  const ended = await at.done('dry tenants', tenant('acme') + site('one', 'acme'), { dryRun: true });
  expect(ended).toMatchObject({ state: 'succeeded', counts: { created: 2 } });
  expect(at.tenancy.of('dry tenants').size).toBe(0);
  const { items } = await listImportResults(at.deps, importer, { id: ended.id, limit: 10 });
  expect(items.map(({ id }) => id)).toEqual([undefined, undefined]);
});

test('tenancy away: the import waits and says for what, can be cancelled, and goes on when tenancy is back', async () => {
  const file = tenant('acme') + site('one', 'acme');
  at.tenancy.state.away = problem('dependency-unavailable', {});
  const one = await waiting('away', file);
  expect(one).toMatchObject({ state: 'queued', percent: 0, problem: { code: 'dependency-unavailable' } });
  expect(await at.runNext(), 'nobody tries it before the pause is over').toBe(false);
  const other = await waiting('away too', file);
  await cancelImport(at.deps, importer, { id: other.id, version: other.version });
  // More often than an import may take its worker down: waiting is none of its fault.
  for (let tries = 0; tries < 12; tries += 1) {
    await hurry();
    expect(await at.runNext()).toBe(true);
  }
  at.tenancy.state.away = undefined;
  await hurry();
  await at.runNext();
  const ended = await getImport(at.deps, importer, { id: one.id });
  expect(ended).toMatchObject({ state: 'succeeded', percent: 100, counts: { created: 2 } });
  expect(ended.problem).toBeUndefined();
  expect(at.tenancy.of('away too').size).toBe(0);
});

test('who may not make tenants imports into those that are there; another tenant is refused with its rows, by key', async () => {
  await at.done('may not', tenant('acme'));
  const ended = await at.done(
    'may not',
    tenant('acme') + tenant('new') + site('one', 'acme') + site('two', 'new') + site('three', 'nobody'),
    { mayMakeTenants: false },
  );
  expect(ended).toMatchObject({ state: 'succeeded', counts: { created: 1, unchanged: 1, refused: 3 } });
  expect(await refusals(ended)).toEqual([
    'new permission-denied',
    'two reference-not-found',
    'three reference-not-found',
  ]);
});

test.each(['suspended', 'deleting', 'deleted'] as const)(
  'nothing begins in a %s tenant and nothing is handed to it; what lies in it is kept up to date',
  async (state) => {
    const source = `tenant ${state}`;
    await at.done(source, tenant('acme') + site('one', 'acme') + site('two'));
    const known = at.tenancy.of(source).get('acme');
    if (known === undefined) throw new Error('no tenant was made');
    Object.assign(known, { state, version: 2 });
    const ended = await at.done(
      source,
      tenant('acme') +
        upsert('one', { type: 'node', kind: 'site', name: 'renamed', tenant: 'acme' }) +
        site('two', 'acme') +
        site('three', 'acme') +
        site('four'),
    );
    expect(ended.counts).toMatchObject({ unchanged: 1, updated: 1, created: 1, refused: 2 });
    expect(await refusals(ended)).toEqual(['two scope-not-active', 'three scope-not-active']);
  },
);

test('a tenant that ends while it is imported into ends before or after, never beside', async () => {
  const seen = new Set<number>();
  // The end comes at another moment of the import each time; where the machine is slow, later still.
  for (const afterMs of [0, 10, 20, 40, 60, 80, 120, 200, 500, 1_000, 2_000, 4_000]) {
    if (afterMs > 200 && seen.size === 2) break;
    const source = `ends ${afterMs}`;
    await at.done(source, tenant('acme'));
    const { id } = at.tenancy.of(source).get('acme') ?? { id: encodeId('tnt', at.deps.newId()) };
    const rows = Array.from({ length: 200 }, (_, n) => site(`s${n}`, 'acme')).join('');
    const one = await at.staged(source, tenant('acme') + rows);
    const row = { id, kind: 'tenant', parentId: 'platform', tenantId: id, state: 'deleting', version: 9 } as const;
    const end = async () => {
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await createInventory(at.deps).usage.count({ ...importer, scopes: [row] }, { scopeId: id, version: 9 });
      // Whoever has counted sees what had begun before, and nothing comes after.
      return (await at.admin.sql`select 1 as one from node where tenant_id = ${decodeId('tnt', id)}`).length;
    };
    const [, counted] = await Promise.all([at.runNext(), end()]);
    const ended = await getImport(at.deps, importer, { id: one.id });
    expect([0, 200]).toContain(counted);
    expect(Object.keys(await shown(source)).length, source).toBe(counted);
    expect(ended.counts['refused'] ?? 0, source).toBe(200 - counted);
    seen.add(counted);
  }
  expect(seen.size, 'both orders were met').toBe(2);
});

test('a set that is all or nothing and fails says that its empty tenants stay', async () => {
  const ended = await at.done('failed', tenant('acme') + site('one', 'acme') + site('two', 'nobody'), {
    atomic: 'set',
  });
  expect(ended).toMatchObject({ state: 'failed', counts: { created: 1, refused: 1 } });
  expect(ended.problem?.['detail']).toContain('1 empty tenants were made');
});

/** A lien on these resources, as tenancy's projection brings it. */
const hold = (ids: readonly string[]) =>
  createInventory(at.deps).projection.apply(
    {
      ...importer,
      scopes: [
        {
          id: 'platform',
          parentId: null,
          kind: 'platform',
          tenantId: null,
          state: 'active',
          version: (version += 1),
          holds: ids.map((id) => ({
            id: encodeId('hol', at.deps.newId()),
            resourceId: id,
            origin: 'test',
            reason: 'kept',
          })),
        },
      ],
    },
    {},
  );
let version = 1000;

test('what a hold lies on is neither ended nor moved, is told by key, and stops nothing else', async () => {
  const space = upsert('space', { type: 'addressSpace', name: 'held' });
  const block = (key: string, cidr: string) => upsert(key, { type: 'addressBlock', space: 'space', cidr });
  const rack = (key: string, parent: string, name = key) => upsert(key, { type: 'node', kind: 'rack', name, parent });
  const first = await at.done(
    'held',
    site('a') +
      site('b') +
      rack('r1', 'a') +
      rack('r2', 'a') +
      rack('r3', 'a') +
      space +
      block('x', '10.0.0.0/24') +
      block('y', '10.0.1.0/24'),
  );
  const { items } = await listImportResults(at.deps, importer, { id: first.id, limit: 100 });
  const idOf = (key: string) => items.find(({ externalId }) => externalId === key)?.id ?? '';
  await hold(['r1', 'r2', 'x', 'y'].map(idOf));
  const ended = await at.done(
    'held',
    line({ changeSet: 1, complete: true }) +
      (site('a') +
        site('b') +
        rack('r1', 'b') +
        rack('r3', 'b') +
        space +
        block('x', '10.0.2.0/24') +
        block('z', '10.0.0.0/24')),
  );
  expect(ended.state).toBe('succeeded');
  expect((await refusals(ended)).sort()).toEqual([
    'r1 blocked-by-hold',
    'r2 blocked-by-hold',
    'x blocked-by-hold',
    'y blocked-by-hold',
    // The held block stays, so its prefix is not free.
    'z allocation-conflict',
  ]);
  expect(ended.counts).toMatchObject({ updated: 1, unchanged: 3 });
  expect((await at.done('held', rack('r1', 'a', 'renamed'))).counts, 'what does not move is changed').toEqual({
    updated: 1,
  });
  const whole = await at.done('held', rack('r1', 'b') + rack('r3', 'a'), { atomic: 'set' });
  expect(whole).toMatchObject({ state: 'failed', counts: { refused: 1 } });
  await hold([]);
  expect((await at.done('held', line({ op: 'delete', externalId: 'r2' }))).counts).toEqual({ deleted: 1 });
});

test('a set that is all or nothing ends nothing when one of its deletes cannot be', async () => {
  await at.done(
    'whole ends',
    site('a') + upsert('r', { type: 'node', kind: 'rack', name: 'r', parent: 'a' }) + site('b'),
  );
  const ends = ['a', 'b'].map((externalId) => line({ op: 'delete', externalId })).join('');
  const ended = await at.done('whole ends', ends, { atomic: 'set' });
  expect(ended).toMatchObject({ state: 'failed', counts: { refused: 1 } });
  expect(Object.keys(await shown('whole ends')).sort()).toEqual(['a', 'b', 'r']);
});

test('what a set does not name keeps its port, unit and range: who wants them too is refused alone', async () => {
  const domain = upsert('d', { type: 'numberDomain', name: 'd', kind: 'vlan', pooled: true });
  const range = (key: string, start: number) =>
    upsert(key, { type: 'numberRange', domain: 'd', start, end: start + 9 });
  const device = (key: string, startHalfUnit: number) =>
    upsert(key, {
      type: 'node',
      kind: 'device',
      name: key,
      parent: 'rack',
      rack: { face: 'front', startHalfUnit, heightHalfUnits: 2, fullDepth: true },
    });
  const rack = site('s') + upsert('rack', { type: 'node', kind: 'rack', name: 'rack', parent: 's' });
  await at.done('kept', rack + device('one', 0) + domain + range('r1', 1));
  const ended = await at.done('kept', device('two', 0) + device('three', 2) + range('r2', 5) + range('r3', 20));
  expect(ended.counts).toEqual({ created: 2, refused: 2 });
  expect(await refusals(ended)).toEqual(['two allocation-conflict', 'r2 allocation-conflict']);
});
