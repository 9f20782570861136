import { expect, test } from 'vitest';
import { worstState } from './rules.js';

test('a scope counts as suspended when any ancestor is suspended', () => {
  expect(worstState(['active', 'suspended', 'active'])).toBe('suspended');
});

test('deleting weighs more than suspended, deleted more than all', () => {
  expect(worstState(['suspended', 'deleting'])).toBe('deleting');
  expect(worstState(['deleted', 'deleting'])).toBe('deleted');
  expect(worstState([])).toBe('active');
});
