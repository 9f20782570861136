import { expect, test } from 'vitest';
import { differences } from './compare.js';
import { blocksOf, join, readNet, without, writeNet } from './ip.js';

test('equal facts have no difference, in whatever form their numbers and keys come', () => {
  const want = {
    counts: { a: 1 },
    list: [
      { key: 'x', size: '18446744073709551616' },
      { key: 'y', size: 2 },
    ],
  };
  expect(
    differences(
      want,
      {
        counts: { a: '1' },
        list: [
          { key: 'y', size: '2' },
          { key: 'x', size: 18446744073709551616n },
        ],
      },
      ['counts', 'list'],
    ),
  ).toEqual([]);
});

test('a wrong, a missing and a surplus fact are each told by their path', () => {
  const want = { counts: { a: 1, b: 2 }, list: [{ key: 'x', size: 1 }], left: 1 };
  expect(
    differences(want, { counts: { a: 2 }, list: [{ key: 'z', size: 1 }], more: 1 }, ['counts', 'list', 'away']).map(
      ({ path }) => path,
    ),
  ).toEqual(['away', 'counts.a', 'counts.b', 'list[x]', 'list[z]', 'more']);
  expect(differences(want, { counts: { a: 1 } }, [])).toEqual([]);
});

test('what is free of a prefix is cut into the fewest blocks', () => {
  const net = readNet('2001:db8::/126');
  const taken = [readNet('2001:db8::1/128')].map(({ first, last }) => [first, last] as const);
  expect(blocksOf(6, without([net.first, net.last], taken)).map(writeNet)).toEqual([
    '2001:db8::/128',
    '2001:db8::2/127',
  ]);
  expect(
    join([
      [1n, 2n],
      [3n, 4n],
      [6n, 6n],
    ]),
  ).toEqual([
    [1n, 4n],
    [6n, 6n],
  ]);
});
