import fc from 'fast-check';

// Values drawn for a JSON Schema of the document, and the same with something wrong in them. All but the time of day follows from the seed.

/** What is read of a schema. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly propertyNames?: Schema;
}

export interface Draw {
  /** From 0 up to 1. */
  next(): number;
  below(n: number): number;
  chance(of: number): boolean;
  one<T>(of: readonly T[]): T;
}

/** Numbers that follow from the seed (mulberry32). */
export function drawOf(seed: number): Draw {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return { next, below, chance: (of) => next() < of, one: (of) => of[below(of.length)] as (typeof of)[number] };
}

/** By the prefix of its id one thing that is there. */
export type Known = Readonly<Record<string, string>>;

const words = [
  'a',
  'site',
  'of-things',
  'vcpu',
  'Ærø',
  '👩‍🚀',
  ' ',
  '%25',
  `'; select 1 --`,
  '../..',
  '0',
  'NaN',
  '\u202e',
  '\t',
];
/** Keys that there are, and one that there is not. */
export const keyWords = ['site', 'rack', 'server', 'region', 'storage', 'vcpu', 'diskGib', 'of-things', 'nowhere'];
const times = [
  '2027-01-01T00:00:00Z',
  '2027-02-01T00:00:00.000Z',
  new Date(Date.now() + 3_600_000).toISOString(),
  '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999999999Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00.000Z',
  '2026-02-30T00:00:00Z',
  '2026-13-41T25:61:61.000Z',
];
/** What a field of that name means, where its schema only says that it is text. */
const byName: Readonly<Record<string, readonly string[]>> = {
  address: ['10.0.0.77', '10.0.0.9', '2001:db8::9', '10.0.0.300'],
  cidr: ['10.0.0.64/28', '10.0.0.128/28', '10.1.0.0/24'],
  permission: ['audit.record.read', 'tenancy.tenant.read', 'inventory.node.create'],
  class: ['vcpu', 'memoryMib', 'diskGib'],
};
const networks = [
  '10.0.0.0/24',
  '10.0.0.128/28',
  '0.0.0.0/0',
  '::/0',
  '2001:db8::/64',
  '10.0.0.1/24',
  '1.2.3/8',
  '999.0.0.1/32',
];
/** Patterns that are met by a word of ours sooner than by chance. */
const hints: readonly (readonly [holds: string, words: readonly string[]])[] = [
  ['T\\d{2}', times],
  ['[0-9a-fA-F:.]{2,45}', networks],
  ['(?=', ['team', 'example.com/team', 'sentral.dev/own']],
  ['[0-9A-Za-z*,/#+-]+(', ['0 3 * * *', '* * * * *', '61 3 * * *', '0 0 31 2 *', '*/0 * * * *']],
  ['(\\/[A-Za-z0-9_+-]+)', ['UTC', 'Europe/Oslo', 'Mars/Phobos']],
  ['^[a-z][a-z0-9-]{0,62}$', keyWords],
  ['^[a-z][A-Za-z0-9]{0,62}$', keyWords],
  ['\\*|"', ['*', '"1"', '"x"']],
];

interface Drawing {
  readonly draw: Draw;
  readonly known: Known;
  readonly depth?: number;
  readonly name?: string;
}

/** A value as the schema allows it, as far as it says. */
export function valueOf(schema: Schema, at: Drawing): unknown {
  const { draw, depth = 0 } = at;
  const deeper = { ...at, depth: depth + 1 };
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return valueOf(draw.one(choices), deeper);
  if ('const' in schema) return schema.const;
  if (schema.enum !== undefined) return draw.one(schema.enum);
  const type = Array.isArray(schema.type) ? draw.one(schema.type as readonly string[]) : schema.type;
  switch (type) {
    case 'string':
      return stringOf(schema, at);
    case 'integer':
    case 'number':
      return numberOf(schema, draw);
    case 'boolean':
      return draw.chance(0.5);
    case 'null':
      return null;
    case 'array': {
      const least = schema.minItems ?? 0;
      const count = least + (depth > 5 ? 0 : draw.below(Math.min(3, (schema.maxItems ?? 3) - least + 1)));
      return Array.from({ length: count }, () => valueOf(schema.items ?? {}, deeper));
    }
    case 'object':
      return objectOf(schema, deeper);
    default:
      return draw.one([null, true, 7, 'text', [1], { a: { b: [] } }]);
  }
}

function objectOf(schema: Schema, at: Drawing): object {
  const { draw, depth = 0 } = at;
  const often = depth > 4 ? 0.1 : 0.45;
  const named = Object.entries(schema.properties ?? {}).filter(
    ([name]) => schema.required?.includes(name) === true || draw.chance(often),
  );
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const others =
    more === undefined
      ? []
      : Array.from({ length: draw.below(3) }, () => [
          String(valueOf(schema.propertyNames ?? { type: 'string', minLength: 1 }, at)),
          valueOf(more, at),
        ]);
  return Object.fromEntries([...named.map(([name, of]) => [name, valueOf(of, { ...at, name })]), ...others]) as object;
}

function numberOf({ minimum = -1e9, maximum = 1e9, type }: Schema, draw: Draw): number {
  const low = Math.max(minimum, -(2 ** 53));
  const high = Math.min(maximum, 2 ** 53);
  const within = low + draw.next() * Math.min(high - low, draw.chance(0.7) ? 20 : Infinity);
  const value = draw.one([low, high, within, within, within]);
  return type === 'integer' ? Math.round(value) : value;
}

function stringOf({ pattern, minLength = 0, maxLength = 64 }: Schema, { draw, known, name = '' }: Drawing): string {
  const meant = byName[name];
  if (meant !== undefined && draw.chance(0.6)) return draw.one(meant);
  if (pattern === undefined) {
    const text = draw.one(words).repeat(draw.chance(0.9) ? 1 : 40);
    return text.padEnd(minLength, 'x').slice(0, maxLength);
  }
  const prefix = /^\^([a-z]{3})_/.exec(pattern)?.[1];
  const thing = prefix === undefined ? draw.one(Object.values(known)) : known[prefix];
  if (pattern.includes('_[0-7]') && thing !== undefined && draw.chance(0.75)) return thing;
  const hint = hints.find(([holds]) => pattern.includes(holds))?.[1];
  if (hint !== undefined) return draw.one(hint);
  return (
    fc.sample(fc.stringMatching(new RegExp(pattern), { size: 'small' }), {
      numRuns: 1,
      seed: draw.below(2 ** 31),
    })[0] ?? ''
  );
}

const own = JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as object;
const deep = JSON.parse(`${'['.repeat(60)}${']'.repeat(60)}`) as unknown;
/** What no field wants, or few. */
const junk: readonly unknown[] = [
  null, true, -1, 0, 1.5, 1e308, -1e308, 2 ** 53, 2 ** 63, '', '\u0000', 'a\u0000b', '\ud800', 'x'.repeat(5_000), [], {}, [[]], own, deep, '1e5', ' ', '-1',
  'nod_01jz0000000000000000000000', '2026-01-01', { $ne: null }, ['a', 'a', 'a'], Array.from({ length: 1_100 }, () => 0),
]; // prettier-ignore

/** The value with one thing in it replaced, gone, or too many. */
export function spoiled(value: unknown, draw: Draw): unknown {
  if (typeof value !== 'object' || value === null || draw.chance(0.15)) return draw.one(junk);
  if (Array.isArray(value)) {
    if (value.length === 0 || draw.chance(0.3)) return [...(value as unknown[]), draw.one(junk)];
    const place = draw.below(value.length);
    return (value as unknown[]).map((each, n) => (n === place ? spoiled(each, draw) : each));
  }
  const entries = Object.entries(value);
  if (entries.length === 0 || draw.chance(0.15))
    return { ...value, [draw.one(['bogus', 'id', 'version', '', '__proto__'])]: draw.one(junk) };
  const place = draw.below(entries.length);
  if (draw.chance(0.2)) return Object.fromEntries(entries.filter((_, n) => n !== place));
  return Object.fromEntries(entries.map(([name, each], n) => [name, n === place ? spoiled(each, draw) : each]));
}
