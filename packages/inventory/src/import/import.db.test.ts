import { readdir, readFile } from 'node:fs/promises';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { differences } from '@sentral/facts/compare';
import { deviceTypeFacts, deviceTypeSections } from '@sentral/facts/devicetypes';
import { planChanges, planFacts, planSections } from '@sentral/facts/ipamplan';
import { netboxFacts, netboxSections } from '@sentral/facts/netbox';
import type { Imported } from '@sentral/facts/resource';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dumpOf, listing } from '../../test/import/collect.js';
import { importer, line, openImporting, upsert, type Importing } from '../../test/import/harness.js';
import { createInventory } from '../index.js';
import { cancelImport } from './cancel.js';
import { getImport } from './get.js';
import { listImportResults } from './results.js';

const fixtures = new URL('../../../../fixtures/', import.meta.url);
const fixture = (name: string): Promise<string> => readFile(new URL(name, fixtures), 'utf8');
const expected = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await fixture(`expected/${name}.json`)) as Record<string, unknown>;

let at: Importing;
beforeAll(async () => {
  at = await openImporting();
});
afterAll(() => at?.close());

const uuid = (one: Import): string => decodeId('imp', one.id);

test('a NetBox file imported gives its facts again from the database, and imported twice changes nothing', async () => {
  const file = await fixture('netbox/netbox-demo-v3.6.json');
  const first = await at.done('netbox', file, { format: 'netbox' });
  expect(first).toMatchObject({ state: 'succeeded', percent: 100 });
  const want = await expected('netbox-demo-v3.6');
  delete (want['cabling'] as Record<string, unknown>)['storedCablePaths'];
  for (const caseOfInput of ['duplicatePrefixSameVrf', 'duplicateHostSameVrf', 'sameHostInSeveralVrfs'])
    delete ((want['ipam'] as Record<string, unknown>)['awkward'] as Record<string, unknown>)[caseOfInput];
  expect(differences(want, netboxFacts(await at.read('netbox', first)), netboxSections)).toEqual([]);

  const facts = await at.count('feed');
  const again = await at.done('netbox', file, { format: 'netbox' });
  expect(again.state).toBe('succeeded');
  expect(again.counts['unchanged']).toBe(first.counts['created']);
  expect(await at.count('feed')).toBe(facts);
  expect(await at.admin.unsafe(`select max(version) as version from node`)).toEqual([{ version: 1 }]);
});

test('a device type library gives its facts again from the database', async () => {
  const ended = await at.done('library', await listing(new URL('devicetypes/', fixtures)), { format: 'devicetypes' });
  expect(ended.state).toBe('succeeded');
  expect(
    differences(await expected('devicetypes'), deviceTypeFacts(await at.read('library', ended)), deviceTypeSections),
  ).toEqual([]);
});

interface Version {
  readonly key: string;
  readonly version: number;
  readonly cidr: string;
  readonly parent: string | null;
}

test('eighteen revisions of a prefix plan are applied one after the other, and a subnet that a step does not change keeps its version', async () => {
  const names = (await readdir(new URL('ipamplan/', fixtures))).filter((name) => name.startsWith('rev-')).sort();
  let before: Imported | undefined;
  const changes: ReturnType<typeof planChanges>[] = [];
  let versions = new Map<string, Version>();
  for (const [step, name] of names.entries()) {
    const ended = await at.done('plan', await fixture(`ipamplan/${name}`));
    expect(ended.state, name).toBe('succeeded');
    expect(ended.counts['refused'] ?? 0, name).toBe(0);
    const after = await at.read('plan', ended);
    if (before !== undefined) changes.push(planChanges(step, before, after));
    before = after;
    const now = new Map(
      (
        await at.admin
          .sql<Version>`select x.external_id as key, b.version, b.cidr::text as cidr, b.parent_id as parent from address_block b
      join external_id x on x.resource_id = b.id where x.source = 'plan' and b.attributes ? 'subnet'`
      ).map((row) => [row.key, row]),
    );
    // A subnet whose list block came or went hangs elsewhere now: that is a change of the block, though not of the plan.
    const moved = [...now.values()].filter(
      ({ key, version }) => versions.has(key) && versions.get(key)?.version !== version,
    );
    expect(
      moved.filter(({ key, cidr, parent }) => versions.get(key)?.cidr === cidr && versions.get(key)?.parent === parent),
      name,
    ).toEqual([]);
    versions = now;
    const overlaps = await at.admin
      .unsafe(`select a.cidr from address_block a join address_block b on a.id < b.id and a.space_id = b.space_id and a.cidr && b.cidr and a.parent_id is not distinct from b.parent_id
      where a.ended_at is null and b.ended_at is null`);
    expect(overlaps, name).toEqual([]);
  }
  const want = await expected('ipamplan');
  want['aggregates'] = (want['aggregates'] as Record<string, unknown>[]).map((aggregate) => ({
    key: aggregate['prefix'],
    ...aggregate,
  }));
  const order = ['outsideEveryAggregate', 'sameNameElsewhere'];
  const facts = planFacts(before as Imported, changes) as { awkward: Record<string, string[]> };
  for (const list of order) {
    facts.awkward[list]?.sort();
    (want['awkward'] as Record<string, string[]>)[list]?.sort();
  }
  expect(differences(want, facts as unknown as Record<string, unknown>, [...planSections, 'aggregates'])).toEqual([]);
});

test('a spoiled row is reported by its key with what depends on it, and stops nothing else', async () => {
  const ended = await at.done(
    'spoiled',
    dumpOf([
      ['dcim.site', 1, { name: 'one', slug: 'one' }],
      ['dcim.rack', 1, { name: 'good', site: 1, u_height: 42 }],
      ['dcim.rack', 2, { name: 'bad', site: 1, u_height: -3 }],
      ['dcim.device', 1, { name: 'in bad', site: 1, rack: 2 }],
      ['dcim.device', 2, { name: 'in good', site: 1, rack: 1 }],
      ['ipam.prefix', 1, { prefix: 'nonsense', status: 'active' }],
      ['ipam.prefix', 2, { prefix: '10.0.0.0/24', status: 'active' }],
      ['ipam.prefix', 3, { prefix: '10.0.0.0/24', status: 'active' }],
    ]),
  );
  expect(ended.state).toBe('succeeded');
  const { items } = await listImportResults(at.deps, importer, { id: ended.id, outcome: ['refused'], limit: 100 });
  expect(items.map(({ externalId }) => externalId).sort()).toEqual([
    'dcim.device:1',
    'dcim.rack:2',
    'ipam.prefix:1',
    'ipam.prefix:3',
  ]);
  expect((await at.read('spoiled')).resources.map(({ externalId }) => externalId)).toEqual(
    expect.arrayContaining(['dcim.device:2', 'dcim.rack:1', 'ipam.prefix:2']),
  );
});

test('a file that is truncated or not JSON is refused whole, and nothing of it stays', async () => {
  const file = await fixture('netbox/netbox-demo-v3.6.json');
  const tables = ['import', 'import_row', 'import_chunk', 'node', 'feed'];
  const before = await Promise.all(tables.map(at.count));
  await expect(at.staged('cut', file.slice(0, 2_000_000))).rejects.toMatchObject({
    code: 'malformed-request',
    facts: { position: 2_000_000 },
  });
  await expect(at.staged('html', '<html>not found</html>')).rejects.toMatchObject({ code: 'malformed-request' });
  await expect(at.staged('broken', '{"op":"upsert"')).rejects.toMatchObject({ code: 'malformed-request' });
  expect(await Promise.all(tables.map(at.count))).toEqual(before);
});

const block = (externalId: string, cidr: string): string =>
  line({ op: 'upsert', externalId, resource: { type: 'addressBlock', space: 'space', cidr } });
const space = line({ op: 'upsert', externalId: 'space', resource: { type: 'addressSpace', name: 'space' } });

test('a block passes from one key to another and two swap theirs inside one set', async () => {
  await at.done('swap', space + block('a', '10.0.0.0/24') + block('b', '10.0.1.0/24') + block('c', '10.0.2.0/24'));
  const ended = await at.done(
    'swap',
    block('a', '10.0.1.0/24') +
      block('b', '10.0.0.0/24') +
      line({ op: 'delete', externalId: 'c' }) +
      block('d', '10.0.2.0/24') +
      block('top', '10.0.0.0/16'),
  );
  expect(ended.counts).toMatchObject({ created: 2, updated: 2, deleted: 1 });
  const { resources } = await at.read('swap');
  expect(
    Object.fromEntries(
      resources
        .filter(({ type }) => type === 'addressBlock')
        .map(({ externalId, cidr, parent }) => [externalId, [cidr, parent]]),
    ),
  ).toEqual({
    a: ['10.0.1.0/24', 'top'],
    b: ['10.0.0.0/24', 'top'],
    d: ['10.0.2.0/24', 'top'],
    top: ['10.0.0.0/16', undefined],
  });
});

test('a set that is all or nothing writes nothing when one row is refused, and a dry run writes nothing at all', async () => {
  const rows = space + block('a', '10.0.0.0/24') + block('b', '10.0.0.0/24');
  const facts = await at.count('feed');
  const whole = await at.done('whole', rows, { atomic: 'set' });
  expect(whole).toMatchObject({ state: 'failed', problem: { code: 'validation-failed' }, counts: { refused: 1 } });
  const dry = await at.done('dry', rows, { dryRun: true });
  expect(dry).toMatchObject({ state: 'succeeded', counts: { created: 2, refused: 1 } });
  expect(await at.count('feed')).toBe(facts);
  expect((await at.read('dry')).resources).toEqual([]);
});

test('a cancelled import is not applied, and one whose worker died is applied once by the next', async () => {
  const cancelled = await at.staged('cancelled', space);
  await cancelImport(at.deps, importer, { id: cancelled.id, version: cancelled.version });
  expect(await at.runNext()).toBe(false);
  const one = await at.staged('died', space + block('a', '10.9.0.0/24'));
  // What a kill -9 leaves: a claim without an end.
  await at.admin.unsafe(
    `update import set state = 'running', epoch = 7, claimed_until = now() - interval '1 second' where id = $1`,
    [uuid(one)],
  );
  expect(await at.runNext()).toBe(true);
  expect(await getImport(at.deps, importer, { id: one.id })).toMatchObject({
    state: 'succeeded',
    counts: { created: 2 },
  });
  expect(await at.runNext()).toBe(false);
});

test(
  'progress is seen while a large set is applied, and a cancel in the middle undoes all of it',
  { timeout: 180_000 },
  async () => {
    const rows = Array.from({ length: 20_000 }, (_, n) =>
      line({
        op: 'upsert',
        externalId: `region:${n}`,
        resource: {
          type: 'node',
          kind: 'region',
          name: `r${n}`,
          ...(n === 0 ? {} : { parent: `region:${Math.floor((n - 1) / 20)}` }),
        },
      }),
    ).join('');
    const one = await at.staged('large', rows);
    expect(one).toMatchObject({ state: 'queued', rowsTotal: 20_000 });
    const seen = new Set<number>();
    let running = true;
    const work = at.runNext().finally(() => (running = false));
    let cancelled = false;
    while (running) {
      const now = await getImport(at.deps, importer, { id: one.id });
      seen.add(now.percent);
      if (now.rowsDone > 0 && now.state === 'running' && !cancelled) {
        expect(now.percent).toBeLessThan(100);
        await cancelImport(at.deps, importer, { id: one.id, version: now.version });
        cancelled = true;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await work;
    expect(cancelled, [...seen].join(' ')).toBe(true);
    expect(await getImport(at.deps, importer, { id: one.id })).toMatchObject({ state: 'cancelled' });
    expect((await at.read('large')).resources).toEqual([]);

    const startedAt = Date.now();
    expect(await at.done('large', rows)).toMatchObject({ state: 'succeeded', counts: { created: 20_000 } });
    expect(Date.now() - startedAt).toBeLessThan(60_000);
  },
);

test('what a complete set no longer names is retired from the leaves inwards, and what something else stands on stays', async () => {
  const site = (pk: number) => ['dcim.site', pk, { name: `s${pk}`, slug: `s${pk}` }] as const;
  const rack = (pk: number, at: number) => ['dcim.rack', pk, { name: `r${pk}`, site: at, u_height: 10 }] as const;
  await at.done('complete', dumpOf([site(1), rack(1, 1), rack(2, 1), site(2), rack(3, 2)]));
  const [rack2] = await at.admin.sql<{
    id: string;
  }>`select resource_id as id from external_id where source = 'complete' and external_id = 'dcim.rack:2'`;
  await createInventory(at.deps).node.register(importer, {
    kind: 'device',
    parentId: encodeId('nod', rack2?.id ?? ''),
  });
  const ended = await at.done('complete', dumpOf([site(2), rack(3, 2)]));
  expect(ended.counts).toMatchObject({ deleted: 1, refused: 2, unchanged: 2 });
  const { items } = await listImportResults(at.deps, importer, { id: ended.id, outcome: ['refused'], limit: 10 });
  expect(items.map(({ externalId, problem }) => `${externalId} ${problem?.code}`).sort()).toEqual([
    'dcim.rack:2 has-dependents',
    'dcim.site:1 has-dependents',
  ]);
});

test('an import whose connection is cut in the middle is applied once, with one feed row a resource', async () => {
  const rows = Array.from({ length: 5000 }, (_, n) =>
    line({ op: 'upsert', externalId: `region:${n}`, resource: { type: 'node', kind: 'region', name: `r${n}` } }),
  ).join('');
  const one = await at.staged('cut off', rows);
  const before = await at.count('feed');
  let cut = 0;
  let running = true;
  const work = at.runNext().finally(() => (running = false));
  while (running) {
    const { rowsDone } = await getImport(at.deps, importer, { id: one.id });
    if (rowsDone > 0 && cut === 0) {
      cut = (
        await at.admin
          .sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'inventory_app' and datname = current_database() and xact_start is not null and state like 'idle in transaction%' or (usename = 'inventory_app' and datname = current_database() and query like '%import_row%' and state = 'active')`
      ).length;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await work;
  expect(cut).toBeGreaterThan(0);
  expect(await getImport(at.deps, importer, { id: one.id })).toMatchObject({
    state: 'succeeded',
    counts: { created: 5000 },
  });
  expect(await at.count('feed')).toBe(before + 5000);
});

test('a device type is there once: of two that name it the first of the file has it, another source is told, and one that is gone is free', async () => {
  const type = (key: string, slug: string) =>
    upsert(key, {
      type: 'deviceType',
      manufacturer: 'Twice',
      model: 'M',
      slug,
      heightHalfUnits: 2,
      fullDepth: true,
      attributes: {},
      components: {},
    });
  const told = async (source: string, lines: readonly string[]) => {
    const ended = await at.done(source, lines.join(''), { format: 'changeset' });
    const { items } = await listImportResults(at.deps, importer, { id: ended.id, limit: 50 });
    return [
      ended.state,
      ...items.map(({ externalId, outcome, problem }) => [externalId, outcome, problem?.code].join(' ').trim()),
    ];
  };
  expect(await told('types-1', [type('a', 'one'), type('b', 'one'), type('c', 'two')])).toEqual([
    'succeeded',
    'a created',
    'b refused already-exists',
    'c created',
  ]);
  expect(await told('types-2', [type('x', 'two'), type('y', 'three')])).toEqual([
    'succeeded',
    'x refused already-exists',
    'y created',
  ]);
  await told('types-1', [line({ op: 'delete', externalId: 'c' })]);
  expect(await told('types-2', [type('x', 'two')])).toEqual(['succeeded', 'x created']);
});

test('what is no VLAN is refused in a domain of VLANs, a number and a range, and is one elsewhere', async () => {
  const domain = (key: string, kind: string) => upsert(key, { type: 'numberDomain', kind, name: key, pooled: true });
  const both = (of: string) =>
    upsert(`${of}-n`, { type: 'number', domain: of, value: 4095 }) +
    upsert(`${of}-r`, { type: 'numberRange', domain: of, start: 0, end: 10 });
  const ended = await at.done('vlans', domain('v', 'vlan') + domain('w', 'asn') + both('v') + both('w'));
  const { items } = await listImportResults(at.deps, importer, { id: ended.id, limit: 50 });
  expect(items.map(({ externalId, problem }) => [externalId, problem?.['detail']])).toEqual([
    ['v', undefined],
    ['w', undefined],
    ['v-n', 'a VLAN is 1 to 4094, not 4095'],
    ['v-r', 'a VLAN is 1 to 4094, not 0'],
    ['w-n', undefined],
    ['w-r', undefined],
  ]);
});

test('what things lie in stays what it is: a domain keeps its kind, a rack is a rack and no smaller than what stands in it', async () => {
  const rack = (more: object) => upsert('rack', { type: 'node', kind: 'rack', name: 'r', parent: 'hall', ...more });
  const standing = { face: 'front', startHalfUnit: 2, heightHalfUnits: 2, fullDepth: true };
  const told = async (body: string) => {
    const ended = await at.done('stays', body);
    const { items } = await listImportResults(at.deps, importer, { id: ended.id, limit: 50 });
    return items.map(({ outcome, problem }) => [outcome, problem?.code].join(' ').trim());
  };
  await told(
    upsert('hall', { type: 'node', kind: 'site', name: 's' }) +
      rack({}) +
      upsert('device', { type: 'node', kind: 'device', parent: 'rack', rack: standing }) +
      upsert('d', { type: 'numberDomain', kind: 'vlan', name: 'd', pooled: true }) +
      upsert('n', { type: 'number', domain: 'd', value: 7 }),
  );
  expect(await told(upsert('d', { type: 'numberDomain', kind: 'asn', name: 'd', pooled: true }))).toEqual([
    'refused state-conflict',
  ]);
  expect(await told(rack({ kind: 'location' }))).toEqual(['refused state-conflict']);
  expect(await told(rack({ attributes: { heightUnits: 1 } }))).toEqual(['refused topology-violation']);
  expect(await told(rack({ attributes: { heightUnits: 2 } }))).toEqual(['updated']);
});
