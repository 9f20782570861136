import { expect, test } from 'vitest';
import { nextAfter, turnOf, wrongOf } from './rules.js';

const at = (text: string) => new Date(text);
const times = (cron: string, timeZone: string, from: string, count: number): string[] => {
  const all: string[] = [];
  for (let now = at(from); all.length < count;) {
    const next = nextAfter({ cron, timeZone }, now);
    if (next === undefined) break;
    all.push(next.toISOString().slice(0, 16));
    now = next;
  }
  return all;
};

test('a time of the day stays where people have it when the clocks change', () => {
  expect(times('0 8 * * *', 'Europe/Oslo', '2026-03-27T12:00:00Z', 3)).toEqual([
    '2026-03-28T07:00',
    '2026-03-29T06:00',
    '2026-03-30T06:00',
  ]);
});

test('a time that is left out comes at once after, and one that comes twice is kept once', () => {
  expect(times('30 2 * * *', 'Europe/Oslo', '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
  expect(times('30 2 * * *', 'Europe/Oslo', '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ]);
});

test.each([
  ['61 * * * *', 'UTC', '/cron'],
  ['* * * * * *', 'UTC', '/cron'],
  ['0 0 30 2 *', 'UTC', '/cron'],
  ['0 0 * * *', 'Europe/Atlantis', '/timeZone'],
])('%s in %s is refused at %s', (cron, timeZone, pointer) => {
  expect(wrongOf({ cron, timeZone }, at('2026-01-01T00:00:00Z'))?.pointer).toBe(pointer);
});

test('the 29th of February comes true some day', () => {
  expect(wrongOf({ cron: '0 0 29 2 *', timeZone: 'UTC' }, at('2026-01-01T00:00:00Z'))).toBeUndefined();
});

test('what happens beside an earlier run is as the schedule says', () => {
  expect((['skip', 'queue', 'allow'] as const).map((overlap) => turnOf(overlap, true))).toEqual([
    'skip',
    'wait',
    'begin',
  ]);
  expect(turnOf('skip', false)).toBe('begin');
});
