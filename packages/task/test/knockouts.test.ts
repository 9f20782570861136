import { expect, test } from 'vitest';
import { knockouts, without } from './simulation/knockouts.js';
import { tally, type Tally } from './simulation/saga.js';

const runsDefault = 600;
const all = new Map<number, Tally>();

/** The same sagas with every rule, played once. */
function withAll(runs: number): Tally {
  const known = all.get(runs) ?? tally(runs);
  all.set(runs, known);
  return known;
}

test.each(knockouts.map((each) => [each.rule, each] as const))(
  'without this rule it shows: %s',
  { timeout: 120_000 },
  (_, knockout) => {
    const runs = knockout.runs ?? runsDefault;
    const until = typeof knockout.breaks === 'string' ? { until: knockout.breaks } : {};
    const result = tally(runs, without(knockout), until);
    if (process.env['SENTRAL_SAGAS_SHOW'] !== undefined) console.log(knockout.rule, JSON.stringify(result));
    if (knockout.breaks === 'nothing') expect(result.violations).toEqual({});
    else if (typeof knockout.breaks === 'string')
      expect(result.violations[knockout.breaks] ?? 0, JSON.stringify(result)).toBeGreaterThan(0);
    else expect(knockout.breaks(result, withAll(runs)), JSON.stringify([result, withAll(runs)])).toBe(true);
  },
);
