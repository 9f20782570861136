import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { compare } from '../src/compat.js';
import { defineContract, verb, type VerbDef } from '../src/contract.js';
import { defineEvents } from '../src/events.js';
import { compareGolden, goldenOf } from '../src/golden.js';
import { jsonSchema } from '../src/openapi.js';

const convert = toJsonSchema;
const written = (schema: v.GenericSchema, typeMode: 'input' | 'output'): unknown =>
  jsonSchema(convert, schema, { typeMode });

/** What happens to those who rely on it when one schema becomes the other, in each direction. */
function verdicts(older: v.GenericSchema, newer: v.GenericSchema): { in: boolean; out: boolean } {
  const breaks = (direction: 'in' | 'out'): boolean => {
    const mode = direction === 'in' ? 'input' : 'output';
    return compare(written(older, mode), written(newer, mode), direction).some(({ breaking }) => breaking);
  };
  return { in: breaks('in'), out: breaks('out') };
}

const base = { name: v.string(), note: v.optional(v.string()) };
const strict = v.strictObject(base);
const both = { in: true, out: true };
const neither = { in: false, out: false };
const onlyIn = { in: true, out: false };
const onlyOut = { in: false, out: true };

describe('a planted change breaks who it should', () => {
  test.each<[string, v.GenericSchema, v.GenericSchema, { in: boolean; out: boolean }]>([
    ['nothing', strict, v.strictObject(base), neither],
    ['a description', v.string(), v.pipe(v.string(), v.description('x')), neither],
    ['property removed', strict, v.strictObject({ name: v.string() }), both],
    ['required property removed', strict, v.strictObject({ note: v.optional(v.string()) }), both],
    ['optional property added', strict, v.strictObject({ ...base, x: v.optional(v.string()) }), neither],
    ['required property added', strict, v.strictObject({ ...base, x: v.string() }), onlyIn],
    ['optional became required', strict, v.strictObject({ ...base, note: v.string() }), onlyIn],
    ['required became optional', strict, v.strictObject({ ...base, name: v.optional(v.string()) }), onlyOut],
    ['type changed', v.string(), v.number(), both],
    ['integer became number', v.pipe(v.number(), v.integer()), v.number(), onlyOut],
    ['number became integer', v.number(), v.pipe(v.number(), v.integer()), onlyIn],
    ['enum narrowed', v.picklist(['a', 'b']), v.picklist(['a']), onlyIn],
    ['enum widened', v.picklist(['a']), v.picklist(['a', 'b']), onlyOut],
    ['enum became text', v.picklist(['a']), v.string(), onlyOut],
    ['text became enum', v.string(), v.picklist(['a']), onlyIn],
    ['literal changed', v.literal('a'), v.literal('b'), both],
    ['became nullable', v.string(), v.nullable(v.string()), onlyOut],
    ['is no longer nullable', v.nullable(v.string()), v.string(), onlyIn],
    [
      'union gained a variant',
      v.union([v.string(), v.number()]),
      v.union([v.string(), v.number(), v.boolean()]),
      onlyOut,
    ],
    ['union lost a variant', v.union([v.string(), v.number()]), v.string(), onlyIn],
    ['longer text', v.pipe(v.string(), v.maxLength(5)), v.pipe(v.string(), v.maxLength(6)), onlyOut],
    ['shorter text', v.pipe(v.string(), v.maxLength(5)), v.pipe(v.string(), v.maxLength(4)), onlyIn],
    ['a limit gone', v.pipe(v.string(), v.maxLength(5)), v.string(), onlyOut],
    ['a limit come', v.string(), v.pipe(v.string(), v.maxLength(5)), onlyIn],
    ['higher least', v.pipe(v.number(), v.minValue(1)), v.pipe(v.number(), v.minValue(2)), onlyIn],
    ['lower least', v.pipe(v.number(), v.minValue(1)), v.pipe(v.number(), v.minValue(0)), onlyOut],
    ['pattern changed', v.pipe(v.string(), v.regex(/^a$/)), v.pipe(v.string(), v.regex(/^b$/)), both],
    ['pattern gone', v.pipe(v.string(), v.regex(/^a$/)), v.string(), onlyOut],
    ['items changed', v.array(v.string()), v.array(v.number()), both],
    [
      'items narrowed deep inside',
      v.object({ a: v.array(v.object({ b: v.picklist(['x', 'y']) })) }),
      v.object({ a: v.array(v.object({ b: v.picklist(['x']) })) }),
      onlyIn,
    ],
    ['map values changed', v.record(v.string(), v.string()), v.record(v.string(), v.number()), both],
    ['object opened', strict, v.looseObject(base), onlyOut],
    ['object closed', v.object(base), strict, onlyIn],
    ['anything became text', v.unknown(), v.string(), onlyIn],
    ['text became anything', v.string(), v.unknown(), onlyOut],
    ['tuple grew', v.tuple([v.string()]), v.tuple([v.string(), v.string()]), both],
    [
      'variant changed within',
      v.variant('t', [v.object({ t: v.literal('a'), x: v.string() })]),
      v.variant('t', [v.object({ t: v.literal('a'), x: v.number() })]),
      both,
    ],
  ])('%s', (_, older, newer, expected) => expect(verdicts(older, newer)).toEqual(expected));

  test('a change deep inside is told by its path', () => {
    const [change] = compare(
      written(v.object({ a: v.array(v.object({ 'b/c': v.string() })) }), 'output'),
      written(v.object({ a: v.array(v.object({ 'b/c': v.number() })) }), 'output'),
      'out',
    );
    expect(change).toEqual({ path: '/a/*/b~1c', change: 'type string → number', breaking: true });
  });
});

describe('a planted change of a contract', () => {
  const get: VerbDef = verb({
    summary: '',
    command: v.strictObject({}),
    result: v.object({}),
    refuses: ['not-found'],
    idempotent: true,
  });
  const golden = (nouns: Record<string, Record<string, VerbDef>>, names: readonly string[] = ['book.written']) =>
    goldenOf(
      convert,
      defineContract({ context: 'example', nouns }),
      defineEvents({
        context: 'example',
        events: Object.fromEntries(names.map((name) => [name, { summary: '', data: v.object({ id: v.string() }) }])),
      }),
    );
  const older = golden({ book: { get } });

  test.each<[string, ReturnType<typeof golden>, boolean]>([
    ['verb added', golden({ book: { get, list: get } }), false],
    ['verb removed', golden({ book: {} }), true],
    ['refusal added: internal', golden({ book: { get: { ...get, refuses: ['not-found', 'internal'] } } }), true],
    ['refusal removed: not-found', golden({ book: { get: { ...get, refuses: [] } } }), false],
    ['idempotent true → false', golden({ book: { get: { ...get, idempotent: false } } }), true],
    ['event added', golden({ book: { get } }, ['book.written', 'book.burnt']), false],
    ['event removed', golden({ book: { get } }, []), true],
  ])('%s', (change, newer, breaking) => {
    expect(compareGolden(older, newer)).toEqual([expect.objectContaining({ change, breaking })]);
  });

  test('commands are judged as going in and results as coming out', () => {
    const wider = { ...get, command: v.strictObject({ a: v.string() }), result: v.object({ a: v.string() }) };
    expect(compareGolden(older, golden({ book: { get: wider } }))).toEqual([
      { path: 'book.get:command/a', change: 'required property added', breaking: true },
      { path: 'book.get:result/a', change: 'required property added', breaking: false },
    ]);
  });
});
