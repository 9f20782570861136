import { findingsOpenMax } from '@sentral/contracts/inventory/finding';
import type { Id } from '@sentral/contracts/ids';
import { numberFeed } from '@sentral/kernel/feed';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { purgeFindings } from '../src/finding/purge.js';
import { tree } from './scope-tree.js';
import { codeOf, orProblem, stand, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand();
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();
const report = (source: string, resource: string, second: number) =>
  s.inventory.finding.report(s.caller, {
    source,
    sightings: [{ resource, observedAt: at(second), generation: 1, kind: 'missing' }],
  });

test('of many that report one difference at once, one finding comes, seen as often as there were times', async () => {
  const seconds = Array.from({ length: 24 }, (_, n) => (n % 12) * 10);
  await Promise.all(seconds.map((second) => report('racing', 'box', second)));
  const { items } = await s.inventory.finding.list(s.caller, { source: 'racing' });
  expect(items).toHaveLength(1);
  // Times may arrive in any order; a late one is not counted.
  const [found] = items;
  if (found === undefined) return expect.unreachable();
  const { sightings, state, lastSeenAt, version } = found;
  expect(lastSeenAt).toBe(at(110));
  expect(sightings).toBeLessThanOrEqual(12);
  while ((await numberFeed(s.deps.db.app, 'inventory', 1_000)) > 0);
  const facts = (await s.inventory.feed.page(s.caller, { afterPos: 0, limit: 1_000 })).items;
  const ofIt = facts.filter(({ resource }) => resource.id === found.id).map(({ type }) => type.split('.')[2]);
  expect(ofIt).toEqual(state === 'open' ? ['suspected', 'opened'] : ['suspected']);
  expect(version).toBe(ofIt.length);
});

test('of a decision and a sighting that race, both count and none is lost', async () => {
  for (let round = 0; round < 8; round += 1) {
    const resource = `raced-${round}`;
    const { items } = await report('deciding', resource, 0);
    const id = items[0]?.finding?.id;
    if (id === undefined) return expect.unreachable();
    const outcomes = await Promise.all([
      orProblem(s.inventory.finding.accept(s.caller, { id, version: 1, note: 'known' })),
      orProblem(report('deciding', resource, 60)),
    ]);
    const now = await s.inventory.finding.get(s.caller, { id });
    // Accepted first, it is seen again as it was; opened first, it was accepted as what it no longer is.
    expect([outcomes.map(codeOf), now.state, now.version, now.sightings]).toEqual(
      now.state === 'accepted' ? [['ok', 'ok'], 'accepted', 2, 2] : [['version-mismatch', 'ok'], 'open', 2, 2],
    );
  }
});

test('a source that finds more than it may is told what is not kept, and goes on with what is', async () => {
  await inTransaction(s.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    await tx.unsafe(
      `with made as (insert into inventory.finding (id, kind, state, source, resource, generation, differences, first_seen_at)
         select gen_random_uuid(), 'foreign', 'suspect', 'flooding', 'box-' || n, 1, '[]', '2025-01-01' from generate_series(2, $1) n returning id)
       insert into inventory.finding_sighting select id, 1, '2025-01-01' from made`,
      [findingsOpenMax],
    );
  });
  const sightings = ['box-new', 'box-more', 'box-2'].map((resource) => ({
    resource,
    observedAt: at(0),
    generation: 1,
    kind: 'foreign' as const,
  }));
  const { items } = await s.inventory.finding.report(s.caller, { source: 'flooding', sightings });
  expect(items.map((it) => it.dropped ?? it.finding?.state)).toEqual(['suspect', true, 'open']);
});

test('what was found of a tenant is not told on when the thing is another’s', async () => {
  const scopes = [tree(0, 0).tenant, tree(0, 0).tenant];
  const [a, b] = scopes.map(({ id }) => id as Id<'tnt'>);
  await s.inventory.projection.apply({ ...s.caller, scopes }, {});
  const { id: nodeId } = await s.inventory.node.register(s.caller, { kind: 'server', ...(a ? { tenantId: a } : {}) });
  const tell = async (second: number) =>
    (
      await s.inventory.observation.report(s.caller, {
        source: 'handing',
        sightings: [{ nodeId, observedAt: at(second), generation: 1, attributes: { secret: second } }],
      })
    ).items[0]?.finding;
  const first = await tell(0);
  await s.inventory.node.amend(s.caller, { id: nodeId, patch: { tenantId: b ?? null } });
  expect(await tell(60)).toMatchObject({ id: first?.id, state: 'resolved' });
  const next = await tell(120);
  expect(next).toMatchObject({ state: 'suspect' });
  const seenBy = async (tenant: Id<'tnt'> | undefined) => {
    const readScope = { tenantIds: tenant ? [tenant] : [], projectIds: [], environmentIds: [] };
    const { items } = await s.inventory.finding.list(
      { ...s.caller, readScope },
      { nodeId, state: ['suspect', 'resolved'] },
    );
    return items.map(({ id, resolution, differences }) => [id, resolution, differences[0]?.observed]);
  };
  expect(await seenBy(a)).toEqual([[first?.id, 'handed_over', 0]]);
  expect(await seenBy(b)).toEqual([[next?.id, undefined, 120]]);
});

test('a finding that was resolved half a year ago is removed, with its fact; a younger one and one that stands are not', async () => {
  const ages = { old: '181 days', young: '179 days' };
  const ids: Record<string, Id<'fnd'>> = {};
  for (const name of [...Object.keys(ages), 'standing']) {
    const { items } = await report('purged', name, 0);
    const id = items[0]?.finding?.id;
    if (id === undefined) return expect.unreachable();
    ids[name] = id;
    if (name !== 'standing') await s.inventory.finding.resolve(s.caller, { id, version: 1, note: 'done' });
  }
  for (const [name, age] of Object.entries(ages))
    await inTransaction(s.admin, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(`update inventory.finding set resolved_at = now() - $2::interval where resource = $1`, [
        name,
        age,
      ]);
    });
  expect([await purgeFindings(s.deps), await purgeFindings(s.deps)]).toEqual([1, 0]);
  const left = await Promise.all(
    Object.entries(ids).map(async ([name, id]) => [
      name,
      codeOf(await orProblem(s.inventory.finding.get(s.caller, { id }))),
    ]),
  );
  expect(Object.fromEntries(left)).toEqual({ old: 'not-found', young: 'ok', standing: 'ok' });
});
