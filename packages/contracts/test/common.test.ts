import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import * as common from '../src/api/common.js';

const takes = (schema: v.GenericSchema, value: unknown): boolean => v.is(schema, value);

describe('text', () => {
  test.each([
    ['plain', 'plain', true],
    ['a smile', '😀', true],
    ['NUL', 'a\u0000b', false],
    ['a lone high surrogate', 'a\uD83D', false],
    ['a lone low surrogate', '\uDE00b', false],
    ['two high surrogates', '\uD83D\uD83D\uDE00', false],
  ])('%s', (_, value, is) => expect(takes(common.text(1, 100), value)).toBe(is));

  test('what passes survives UTF-8, what does not would not', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 1, max: 0xffff }).map((n) => String.fromCharCode(n)) }),
        (value) => {
          const roundTrip = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(value));
          expect(common.isStorableText(value)).toBe(roundTrip === value);
        },
      ),
    );
  });
});

describe('names', () => {
  test.each(['a', 'web-01', 'a'.repeat(63)])('%s is one', (name) => expect(takes(common.nameSchema, name)).toBe(true));
  test.each(['', '1a', 'a-', 'A', 'a_b', 'a'.repeat(64), 'a\n', 'å'])('%j is none', (name) =>
    expect(takes(common.nameSchema, name)).toBe(false),
  );
});

describe('times', () => {
  test.each(['2026-11-23T10:00:00.000Z', '2024-02-29T23:59:59.999Z'])('%s is one', (time) =>
    expect(takes(common.timeSchema, time)).toBe(true),
  );
  test.each([
    '2026-02-30T10:00:00.000Z',
    '2026-11-23T24:00:00.000Z',
    '2026-11-23T10:00:00Z',
    '2026-11-23T10:00:00.000+01:00',
    '2026-13-01T00:00:00.000Z',
  ])('%s is none', (time) => expect(takes(common.timeSchema, time)).toBe(false));
});

describe('labels', () => {
  test.each([
    [{ app: 'shop' }],
    [{ 'example.com/app': '' }],
    [{ 'a.b-c/D_e.f': 'G-h_i.j' }],
    [{}],
    [Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, 'v']))],
    [{ [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}/${'n'.repeat(63)}`]: 'v'.repeat(63) }],
  ])('%j are labels', (labels) => expect(takes(common.labelsInputSchema, labels)).toBe(true));

  test.each([
    ['an array', []],
    ['an array with things', ['a']],
    ['null', null],
    ['text', 'a=b'],
    ['a number', { a: 1 }],
    ['a key of 64', { ['a'.repeat(64)]: '' }],
    ['a prefix of 254', { [`${Array(4).fill('a'.repeat(62)).join('.')}.bb/n`]: '' }],
    ['a prefix in upper case', { 'Example.com/a': '' }],
    ['two slashes', { 'a/b/c': '' }],
    ['an empty prefix', { '/a': '' }],
    ['an empty key', { '': '' }],
    ['a value of 64', { a: 'v'.repeat(64) }],
    ['a value with a blank', { a: 'b c' }],
    ['the reserved prefix', { 'sentral.dataverket/owner': 'me' }],
    ['a key that would vanish', { constructor: 'x' }],
    ['another', { prototype: 'x' }],
    ['a prototype', JSON.parse('{"__proto__":"x"}')],
    ['65 of them', Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, 'v']))],
  ])('%s is refused', (_, labels) => expect(takes(common.labelsInputSchema, labels)).toBe(false));

  test('reserved keys can be read', () => {
    expect(takes(common.labelsSchema, { 'sentral.dataverket/owner': 'me' })).toBe(true);
  });

  test('a patch removes with null', () => {
    expect(takes(common.labelsPatchSchema, { tier: 'gold', old: null })).toBe(true);
    expect(takes(common.labelsInputSchema, { old: null })).toBe(false);
  });

  test('a hostile key costs no time', () => {
    const before = performance.now();
    takes(common.labelsInputSchema, { [`${'a-'.repeat(150)}!`]: 'x', [`${'a.'.repeat(150)}!`]: 'x' });
    expect(performance.now() - before).toBeLessThan(100);
  });
});

test('annotations are counted in bytes', () => {
  expect(takes(common.annotationsInputSchema, { a: 'x'.repeat(65_535) })).toBe(true);
  expect(takes(common.annotationsInputSchema, { a: 'x'.repeat(65_536) })).toBe(false);
  expect(takes(common.annotationsInputSchema, { a: 'æ'.repeat(33_000) })).toBe(false);
});

test('a page asks for 50 unless told, and for at most 500', () => {
  const page = v.strictObject(common.pageFields);
  expect(v.parse(page, {})).toEqual({ limit: 50 });
  expect(v.parse(page, { limit: 10_000 })).toEqual({ limit: 500 });
  expect(takes(page, { limit: 0 })).toBe(false);
  const query = v.strictObject(common.pageQuery);
  expect(v.parse(query, { limit: '700' })).toEqual({ limit: 500 });
  for (const limit of ['0', '-1', '1e3', ' 5', '']) expect(takes(query, { limit })).toBe(false);
});

test('If-Match takes strong tags alone', () => {
  for (const tag of ['"7"', '*', '"7", "8"']) expect(takes(common.ifMatchSchema, tag)).toBe(true);
  for (const tag of ['W/"7"', '7', '', '"7" "8"']) expect(takes(common.ifMatchSchema, tag)).toBe(false);
  expect(takes(common.ifMatchSchema, common.etagOf({ version: 7 }))).toBe(true);
});

test('an Idempotency-Key is bare or quoted, visible and bounded', () => {
  for (const key of ['8e03978e-40d5', '"8e03978e"', 'x'.repeat(128)])
    expect(takes(common.idempotencyKeySchema, key)).toBe(true);
  for (const key of ['', 'a b', 'x'.repeat(129), 'æ', '""'])
    expect(takes(common.idempotencyKeySchema, key)).toBe(false);
});
