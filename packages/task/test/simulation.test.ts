import { expect, test } from 'vitest';
import { tally } from './simulation/saga.js';

const runs = Number(process.env['SENTRAL_SAGAS'] ?? 2_000);

test(
  `of ${runs} sagas under loss, repetition, delay and crashes each ends, and leaves the world as it says`,
  { timeout: 60_000 + runs * 20 },
  () => {
    const started = performance.now();
    const result = tally(runs);
    if (runs > 2_000)
      console.log(JSON.stringify({ ...result, seconds: Math.round((performance.now() - started) / 1000) }));
    expect(result.violations, JSON.stringify(result.firstSeeds)).toEqual({});
    // A simulation in which nothing goes wrong would prove nothing.
    for (const state of ['succeeded', 'failed', 'cancelled', 'abandoned'])
      expect(result.states[state] ?? 0, state).toBeGreaterThan(runs / 400);
    expect(result.stats.undos).toBeGreaterThan(runs);
    expect(result.stats.stuck).toBeGreaterThan(runs / 100);
  },
);
