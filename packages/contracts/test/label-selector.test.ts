import { expect, test } from 'vitest';
import { readSelector } from '../src/label-selector.js';

test('a selector is read requirement by requirement, commas in brackets belong to the list', () => {
  expect(readSelector('env=prod, tier in (gold,silver),!old,example.com/zone,rack!=r1,x notin (a)')).toEqual([
    { op: 'in', key: 'env', values: ['prod'] },
    { op: 'in', key: 'tier', values: ['gold', 'silver'] },
    { op: 'absent', key: 'old' },
    { op: 'exists', key: 'example.com/zone' },
    { op: 'notin', key: 'rack', values: ['r1'] },
    { op: 'notin', key: 'x', values: ['a'] },
  ]);
});

test('anything else is an unsupported filter, and so are more than ten requirements', () => {
  for (const selector of [
    'a>1',
    'a in b',
    'a in (b',
    '',
    'a=b c',
    Array.from({ length: 11 }, (_, at) => `k${at}`).join(','),
  ]) {
    expect(() => readSelector(selector), selector).toThrow('unsupported-filter');
  }
});
