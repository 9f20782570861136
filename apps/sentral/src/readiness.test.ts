import { expect, test } from 'vitest';
import { readiness, type Watched } from './readiness.js';

const lag = async () => ({ unnumbered: 0, unpublished: 0 });
const watched = (unrecorded: () => Promise<number>, missing = 0, stopped?: string): Watched => ({
  databases: {},
  bus: undefined,
  lags: [{ context: 'inventory', lag, recorded: async () => ({ behind: await unrecorded(), stopped }) }],
  draining: () => false,
  refusalsMissing: () => missing,
  installation: () => undefined,
});
const partsOf = async (use: Watched) => {
  const { status, parts } = await readiness(use);
  return [status, Object.fromEntries(parts.map((part) => [part.name, part.status]))];
};

test('audit that is away or behind takes no process out of service: it is told, and the feeds wait', async () => {
  const feed = { 'feed inventory': 'ok' };
  expect(await partsOf(watched(async () => 10_000))).toEqual(['ready', { ...feed, 'audit of inventory': 'ok' }]);
  const degraded = ['ready', { ...feed, 'audit of inventory': 'degraded' }];
  expect(await partsOf(watched(async () => 10_001))).toEqual(degraded);
  expect(await partsOf(watched(() => Promise.reject(new Error('away'))))).toEqual(degraded);
  expect(await partsOf(watched(async () => 1, 0, 'a key is missing'))).toEqual(degraded);
  expect(await partsOf(watched(async () => 0, 3))).toEqual([
    'ready',
    { ...feed, 'audit of inventory': 'ok', 'audit of refusals': 'degraded' },
  ]);
});
