import { expect, test } from 'vitest';
import { allRules, tally } from './simulation/saga.js';

const asked = process.env['SENTRAL_SAGAS'];
const runs = Number(asked ?? 2_000);
const long = asked !== undefined;

test(
  `of ${runs} sagas under loss, repetition, delay and crashes each ends, and leaves the world as it says`,
  { timeout: 60_000 + runs * 20 },
  () => {
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 1000);
    // A run of its own shows that it goes on.
    const result = tally(runs, allRules, {
      played: (seeds) => {
        if (long && (seeds % 5_000 === 0 || seeds === runs)) console.log(`${seeds} of ${runs} sagas, ${seconds()} s`);
      },
    });
    if (long) console.log(JSON.stringify({ ...result, seconds: seconds() }));
    expect(result.violations, JSON.stringify(result.firstSeeds)).toEqual({});
    // A simulation in which nothing goes wrong would prove nothing.
    for (const state of ['succeeded', 'failed', 'cancelled', 'abandoned'])
      expect(result.states[state] ?? 0, state).toBeGreaterThan(runs / 400);
    expect(result.stats.undos).toBeGreaterThan(runs);
    expect(result.stats.stuck).toBeGreaterThan(runs / 100);
  },
);
