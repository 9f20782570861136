import { expect, test } from 'vitest';
import { readiness, type Watched } from './readiness.js';

const lag = async () => ({ unnumbered: 0, unpublished: 0 });
const watched = (unrecorded: () => Promise<number>, missing = 0, stopped?: string): Watched => ({
  databases: {},
  bus: undefined,
  lags: [{ context: 'inventory', lag, recorded: async () => ({ behind: await unrecorded(), stopped }) }],
  integrity: undefined,
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

test('what audit has found missing is told with 200, by how many facts and records; audit that does not answer is told by its other parts', async () => {
  const found = async (missing: number, stray: number) => {
    const contexts = [{ context: 'inventory', missing, checked: 9 }];
    return (await readiness({ ...watched(async () => 0), integrity: async () => ({ contexts, stray }) })).parts.at(-1);
  };
  expect(await found(0, 0)).toEqual({ name: 'audit integrity', status: 'ok' });
  expect(await found(2, 3)).toEqual({
    name: 'audit integrity',
    status: 'degraded',
    reason: '2 facts do not agree with their records; 3 records lie in no month',
  });
  const away = { ...watched(async () => 0), integrity: () => Promise.reject(new Error('away')) };
  expect(await partsOf(away)).toEqual(['ready', { 'feed inventory': 'ok', 'audit of inventory': 'ok' }]);
});
