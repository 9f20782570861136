import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differences } from './compare.js';
import { halvesOf, topologyFacts, topologyLines } from './placement.js';
import type { Stored } from './resource.js';

const fixture = (name: string): string => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8');
const csv = fixture('placement/topology.csv');

/** The nodes that the lines would make. */
function nodesOf(lines: Iterable<string>): Stored[] {
  const rows = [...lines].map((line) => JSON.parse(line) as { externalId?: string; resource: Stored });
  return rows.flatMap(({ externalId, resource }) => (externalId === undefined ? [] : [{ ...resource, externalId }]));
}

test('the whole topology becomes lines with the facts that the checker computes, and what is changed of it is told', () => {
  const want = JSON.parse(fixture('expected/placement-topology.json')) as { topology: object };
  const nodes = nodesOf(topologyLines(csv));
  const wrong = (of: readonly Stored[]) =>
    differences(want, { topology: topologyFacts(of) }, ['topology']).map(({ path }) => path);
  expect(nodes).toHaveLength(17_387 + 1_024 + 1);
  expect(wrong(nodes)).toEqual([]);
  expect(wrong(nodes.slice(0, -1)).length).toBeGreaterThan(0);
  expect(wrong(nodes.map((node, at) => (at === 5 ? { ...node, parent: 'rack:1023' } : node))).length).toBeGreaterThan(
    0,
  );
});

test('each host gets the free halves of a server, and offers what they have', () => {
  const servers = halvesOf(fixture('placement/servers.csv'));
  expect(servers).toHaveLength(1_710);
  const all = nodesOf(topologyLines(csv, servers)) as (Stored & { capacities?: { class: string; total: number }[] })[];
  expect(all).toHaveLength(17_387 * 3 + 1_024 + 1);
  const some = all.filter(({ kind }) => kind === 'module').slice(0, 2 * servers.length);
  const cores = some.flatMap(({ capacities = [] }) =>
    capacities.flatMap((each) => (each.class === 'vcpu' ? each.total : [])),
  );
  expect(cores.reduce((sum, each) => sum + each, 0)).toBe(141_856);
  expect(some.every(({ capacities = [] }) => capacities.every(({ total }) => total > 0))).toBe(true);
  expect(() => halvesOf('a,b\n1,2')).toThrow(/head/);
});

test.each([
  ['another head', 'host,rack\na,1'],
  ['a row without a rack', 'host_id,rack_id\na'],
  ['a row with more than both', 'host_id,rack_id\na,1,2'],
])('%s is no topology', (_, text) => {
  expect(() => [...topologyLines(text)]).toThrow();
});
