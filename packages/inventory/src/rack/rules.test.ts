import { expect, test } from 'vitest';
import { rackShape, rackTotals } from './rules.js';

test('a half unit is free when it is neither occupied nor reserved, and the longest run counts', () => {
  const claims = [
    { layer: 'device', startHalfUnit: 2, heightHalfUnits: 2 },
    { layer: 'device', startHalfUnit: 3, heightHalfUnits: 1 },
    { layer: 'reservation', startHalfUnit: 3, heightHalfUnits: 3 },
  ] as const;
  expect(rackTotals(12, claims)).toEqual({
    occupiedHalfUnits: 2,
    reservedHalfUnits: 3,
    freeHalfUnits: 8,
    largestFreeHalfUnits: 6,
  });
});

test('a rack is 42 units from unit 1 where its attributes say nothing, and cannot be of a height that is none', () => {
  expect(rackShape({})).toEqual({ heightHalfUnits: 84, startingUnit: 1 });
  expect(rackShape({ heightUnits: 12, startingUnit: 0 })).toEqual({ heightHalfUnits: 24, startingUnit: 0 });
  for (const heightUnits of [0, 1.5, '42', 201]) expect(rackShape({ heightUnits })).toBe(undefined);
});
