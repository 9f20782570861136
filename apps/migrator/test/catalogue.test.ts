import { expect, test } from 'vitest';
import { flattened } from '../src/catalogue.js';

test.each([
  ['(((a > 1) AND (a < 9)) AND (b > a))', '((a > 1) AND (a < 9) AND (b > a))'],
  ['((((a) AND (b)) AND (c)) AND (d))', '((a) AND (b) AND (c) AND (d))'],
  ['(((a) OR (b)) OR (c))', '((a) OR (b) OR (c))'],
  ['(((a) AND (b)) OR (c))', '(((a) AND (b)) OR (c))'],
  ['(((a) OR (b)) AND (c))', '(((a) OR (b)) AND (c))'],
  ['((a) AND ((b) AND (c)))', '((a) AND ((b) AND (c)))'],
])('a condition that went through a dump is the same condition: %s', (made, restored) => {
  expect(flattened(`table t constraint c CHECK (${made})`)).toBe(`table t constraint c CHECK (${restored})`);
  expect(flattened(`table t constraint c CHECK (${restored})`)).toBe(`table t constraint c CHECK (${restored})`);
});
