import { expect, test } from 'vitest';
import { compare, isInOrder, type Observation } from './observed-rules.js';

const seen = (more: Partial<Observation> = {}): Observation => ({
  resource: 'bkt_1',
  specHash: 'a',
  generation: 1,
  state: 'ready',
  observedAt: '2026-01-01T00:00:00.000Z',
  ...more,
});
const available = { state: 'available' as const, status: { specHash: 'a' } };
const maker = (state: 'failed' | 'abandoned' | 'running' | 'succeeded') => ({ taskId: 't', state });

test.each([
  ['as it was made', available, seen(), undefined, 'as-intended'],
  ['of a service that tells no hash', { state: 'available' as const }, seen(), undefined, 'as-intended'],
  ['not there', available, undefined, undefined, 'missing'],
  ['otherwise', available, seen({ specHash: 'b' }), undefined, 'drift'],
  ['being made', { state: 'provisioning' as const }, undefined, undefined, 'unclear'],
  ['being removed', { state: 'removing' as const }, seen({ specHash: 'b' }), undefined, 'unclear'],
  ['made by nobody', undefined, seen(), undefined, 'foreign'],
  ['left by a task that was taken back', undefined, seen(), maker('failed'), 'orphan'],
  ['left by a task that was abandoned', undefined, seen(), maker('abandoned'), 'orphan'],
  ['still there though its removal succeeded', undefined, seen(), maker('succeeded'), 'foreign'],
  ['on its way', undefined, seen(), maker('running'), 'unclear'],
])('a thing %s', (_, intended, observed, made, expected) => {
  const said = compare(intended, observed, made);
  expect(said.is === 'different' ? said.kind : said.is).toBe(expected);
});

test('a list out of order is not compared', () => {
  const list = (...ids: string[]) => ids.map((resource) => seen({ resource }));
  expect(isInOrder(list('a', 'b'), undefined)).toBe(true);
  expect(isInOrder(list('b', 'a'), undefined)).toBe(false);
  expect(isInOrder(list('a', 'a'), undefined)).toBe(false);
  expect(isInOrder(list('a'), 'b')).toBe(false);
});
