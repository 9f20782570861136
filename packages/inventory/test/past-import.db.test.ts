import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInventory } from '../src/index.js';
import { importer, line, openImporting, upsert, type Importing } from './import/harness.js';
import { instantOf } from './stand.js';

let at: Importing;
beforeAll(async () => {
  at = await openImporting();
});
afterAll(() => at?.close());

const node = (key: string, kind: string, parent?: string, more: object = {}) =>
  upsert(key, { type: 'node', kind, name: key, ...(parent === undefined ? {} : { parent }), ...more });
const cable = (key: string, a: string, b: string) =>
  upsert(key, { type: 'edge', edgeType: 'connects', a: [a], b: [b] });
const racks = node('site', 'site') + node('r1', 'rack', 'site') + node('r2', 'rack', 'site');
const ports = ['p1', 'p2', 'p3'].map((key) => node(key, 'interface', 'box')).join('');
const space = upsert('space', { type: 'addressSpace', name: 'imported' });
const block = (key: string, cidr: string) => upsert(key, { type: 'addressBlock', space: 'space', cidr });

/** All that an import made, as it is now or as of then. */
async function everything(asOf?: string) {
  const inventory = createInventory(at.deps);
  const ask = { limit: 500, ...(asOf === undefined ? {} : { asOf }) };
  const [nodes, edges, blocks] = await Promise.all([
    inventory.node.list(importer, { ...ask, showRetired: true }),
    inventory.edge.list(importer, ask),
    inventory.addressBlock.list(importer, ask),
  ]);
  return { nodes: nodes.items, edges: edges.items, blocks: blocks.items };
}

test('what imports change stays as it was: cables with their ends, places, prefixes, keys and what they end', async () => {
  const files = [
    racks +
      node('box', 'server', 'r1', { labels: { a: '1' } }) +
      ports +
      cable('c1', 'p1', 'p2') +
      space +
      block('b1', '10.0.0.0/8') +
      block('b2', '10.1.0.0/16'),
    // Rewired, moved, renumbered; then ended.
    racks +
      node('box', 'server', 'r2', { labels: { a: '2' } }) +
      ports +
      cable('c1', 'p1', 'p3') +
      space +
      block('b1', '10.0.0.0/8') +
      block('b2', '10.2.0.0/16'),
    line({ op: 'delete', externalId: 'c1' }) + line({ op: 'delete', externalId: 'b2' }),
  ];
  const recorded: { asOf: string; said: unknown }[] = [];
  for (const file of files) {
    expect(await at.done('past', file)).toMatchObject({ state: 'succeeded' });
    recorded.push({ asOf: await instantOf(at.admin), said: await everything() });
  }
  expect(new Set(recorded.map(({ said }) => JSON.stringify(said))).size).toBe(3);
  for (const { asOf, said } of recorded) expect(await everything(asOf)).toEqual(said);
});
