import { differenceCharsMax, differencesMax } from '@sentral/contracts/inventory/finding';
import { expect, test } from 'vitest';
import { stepOf, type Standing } from '../finding/rules.js';
import { looksAt, verdictOf, type Intended, type Told } from './rules.js';

const node = (more: Partial<Intended> = {}): Intended => ({
  state: 'available',
  intent: 'in_service',
  attributes: {},
  ...more,
});
const verdict = (intended: Intended, told: Told) => {
  const it = verdictOf(intended, told);
  return it.is === 'different' ? it.kind : it.is;
};

test.each<[string, Intended, Told, string]>([
  ['is as told', node(), { state: 'available' }, 'as-intended'],
  ['of which only the sight is told', node(), {}, 'as-intended'],
  ['is in another state', node(), { state: 'failed' }, 'drift'],
  ['is not there', node(), { state: 'absent' }, 'missing'],
  ['is not there yet', node({ state: 'planned' }), { state: 'absent' }, 'as-intended'],
  ['shall go and is gone', node({ intent: 'expunged' }), { state: 'absent' }, 'as-intended'],
  ['is being made', node({ state: 'provisioning' }), { state: 'absent' }, 'unclear'],
  ['is being taken away', node({ state: 'removing' }), { state: 'available' }, 'unclear'],
  ['was retired and is gone', node({ state: 'retired' }), { state: 'absent' }, 'as-intended'],
  ['was retired and is there', node({ state: 'retired' }), { attributes: {} }, 'foreign'],
  [
    'has an attribute as told',
    node({ attributes: { a: { b: 1, c: 2 } } }),
    { attributes: { a: { c: 2, b: 1 } } },
    'as-intended',
  ],
  ['has another', node({ attributes: { a: 1 } }), { attributes: { a: '1' } }, 'drift'],
  ['has one that nobody intended', node(), { attributes: { a: 1 } }, 'drift'],
  ['has one that was not told of', node({ attributes: { a: 1 } }), { attributes: {} }, 'as-intended'],
  ['has no hash to compare', node(), { specHash: 'x' }, 'as-intended'],
  ['has another hash', node({ attributes: { specHash: 'y' } }), { specHash: 'x' }, 'drift'],
])('a node that %s', (_, intended, told, kind) => {
  expect(verdict(intended, told)).toBe(kind);
});

test('differences are pointers in their order, so many and so long', () => {
  const long = 'x'.repeat(differenceCharsMax);
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, n]));
  const it = verdictOf(node({ attributes: { 'a/b~c': long } }), { attributes: { ...many, 'a/b~c': 1 } });
  if (it.is !== 'different') return expect.unreachable();
  expect(it.differences[0]).toEqual({ field: '/attributes/a~1b~0c', observed: 1 });
  expect(it.differences).toHaveLength(differencesMax);
});

test('a drift is over when all of it was looked at, and no sooner', () => {
  const at = (second: number) => new Date(second * 1_000);
  const standing: Standing = {
    tenantId: null,
    kind: 'drift',
    state: 'open',
    generation: 1,
    differences: [
      { field: '/attributes/a', expected: 1, observed: 2 },
      { field: '/state', expected: 'available', observed: 'failed' },
    ],
    firstSeenAt: at(0),
    lastSeenAt: at(60),
  };
  const see = (told: Told, second = 90, tenantId: string | null = null) =>
    stepOf(standing, {
      tenantId,
      generation: 1,
      observedAt: at(second),
      verdict: verdictOf(node({ attributes: { a: 1 } }), told),
      looksAt: looksAt(told),
    });
  expect(see({ attributes: { a: 1 } })).toMatchObject({
    do: 'change',
    to: { state: 'open', differences: [{ field: '/state' }] },
  });
  expect(see({})).toEqual({ do: 'count' });
  expect(see({ attributes: { a: 1 }, state: 'available' })).toEqual({ do: 'resolve', because: 'agreed' });
  expect(see({ attributes: { a: 1 }, state: 'available' }, 60)).toEqual({ do: 'nothing' });
  expect(see({}, 90, 'another')).toEqual({ do: 'resolve', because: 'handed_over' });
  expect(see({ state: 'absent' })).toMatchObject({ do: 'change', to: { kind: 'missing', state: 'open' } });
});
