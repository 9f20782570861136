import { readdir, readFile } from 'node:fs/promises';
import { differences } from '@sentral/facts/compare';
import { deviceTypeFacts, deviceTypeSections } from '@sentral/facts/devicetypes';
import { planChanges, planFacts, planSections } from '@sentral/facts/ipamplan';
import { netboxFacts, netboxSections } from '@sentral/facts/netbox';
import { expect, test } from 'vitest';
import { imported, listing } from '../../test/import/collect.js';

const fixtures = new URL('../../../../fixtures/', import.meta.url);
const expected = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(new URL(`expected/${name}.json`, fixtures), 'utf8')) as Record<string, unknown>;

test('a NetBox dump loses no fact on its way into a change set', async () => {
  const facts = netboxFacts(await imported(await readFile(new URL('netbox/netbox-demo-v3.6.json', fixtures))));
  // NetBox's own stored paths are a cache of what the cables say, and the awkward rows with two meanings are not modelled.
  const want = await expected('netbox-demo-v3.6');
  delete (want['cabling'] as Record<string, unknown>)['storedCablePaths'];
  for (const caseOfInput of ['duplicatePrefixSameVrf', 'duplicateHostSameVrf', 'sameHostInSeveralVrfs']) {
    delete ((want['ipam'] as Record<string, unknown>)['awkward'] as Record<string, unknown>)[caseOfInput];
  }
  expect(differences(want, facts, netboxSections)).toEqual([]);
});

test('a device type library loses no fact on its way into a change set', async () => {
  const facts = deviceTypeFacts(await imported(await listing(new URL('devicetypes/', fixtures))));
  expect(differences(await expected('devicetypes'), facts, deviceTypeSections)).toEqual([]);
});

test('eighteen revisions of a prefix plan give the facts and changes of each step', async () => {
  const files = (await readdir(new URL('ipamplan/', fixtures))).filter((name) => name.startsWith('rev-')).sort();
  const revisions = await Promise.all(
    files.map(async (name) => imported(await readFile(new URL(`ipamplan/${name}`, fixtures)))),
  );
  const changes = revisions
    .slice(1)
    .map((after, n) => planChanges(n + 1, revisions[n] as (typeof revisions)[number], after));
  const facts = planFacts(revisions.at(-1) as (typeof revisions)[number], changes);
  const want = await expected('ipamplan');
  // The facts of the aggregates are keyed by their prefix: their order in the file is no fact of the inventory.
  want['aggregates'] = (want['aggregates'] as Record<string, unknown>[]).map((aggregate) => ({
    key: aggregate['prefix'],
    ...aggregate,
  }));
  expect(differences(want, facts, [...planSections, 'aggregates'])).toEqual([]);
});
