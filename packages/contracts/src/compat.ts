/**
 * Tells whether a newer JSON Schema still serves everyone who relies on the older one. What is sent in (commands) may
 * only widen: whatever was accepted stays accepted. What comes out (results, events) may only narrow: whatever comes
 * was promised before. Fields that a plain object gains are no promise broken, since readers tolerate them.
 */
export type Direction = 'in' | 'out';

export interface Change {
  /** RFC 6901 pointer into the value, `*` for any element or key. */
  readonly path: string;
  readonly change: string;
  readonly breaking: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Everything that differs between two schemas, each with whether it breaks somebody. */
export function compare(older: unknown, newer: unknown, direction: Direction): readonly Change[] {
  return compareAt('', asSchema(older), { newer: asSchema(newer), direction });
}

interface Against {
  readonly newer: Json;
  readonly direction: Direction;
}

// A bound or a word that no rule below knows: any change of it is taken for breaking, lest it pass unseen.
const known = new Set([
  'type',
  'enum',
  'const',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
  'oneOf',
  'allOf',
  'propertyNames',
  'prefixItems',
  '$defs',
]);
const said = new Set(['title', 'description', 'examples', 'default', '$comment', '$schema', '$id']);
const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const;
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const;

function compareAt(path: string, older: Json, against: Against): readonly Change[] {
  if (JSON.stringify(older) === JSON.stringify(against.newer)) return [];
  const variants = compareVariants(path, older, against);
  if (variants !== undefined) return variants;
  return [
    ...compareValues(path, older, against),
    ...compareBounds(path, older, against),
    ...compareProperties(path, older, against),
    ...compareInside(path, older, against),
    ...compareRest(path, older, against),
  ];
}

// The heart of it: more values accepted harms nobody who sends, fewer given harms nobody who reads.
function widened(path: string, change: string, direction: Direction): Change {
  return { path, change, breaking: direction === 'out' };
}

function narrowed(path: string, change: string, direction: Direction): Change {
  return { path, change, breaking: direction === 'in' };
}

function compareVariants(path: string, older: Json, { newer, direction }: Against): readonly Change[] | undefined {
  const before = variantsOf(older);
  const after = variantsOf(newer);
  if (before === undefined && after === undefined) return undefined;
  const olds = before ?? [older];
  const news = after ?? [newer];
  // A variant is the same when one of the other side takes its place without breaking; the rest came or went.
  const gone = olds.filter((old) => !news.some((fresh) => fits(old, fresh, direction)));
  const came = news.filter((fresh) => !olds.some((old) => fits(old, fresh, direction)));
  return [
    ...gone.map((variant) => narrowed(path, `variant removed: ${nameOf(variant)}`, direction)),
    ...came.map((variant) => widened(path, `variant added: ${nameOf(variant)}`, direction)),
  ];
}

function fits(older: Json, newer: Json, direction: Direction): boolean {
  return compareAt('', older, { newer, direction }).every(({ breaking }) => !breaking);
}

function variantsOf(schema: Json): readonly Json[] | undefined {
  const list = schema['anyOf'] ?? schema['oneOf'];
  return Array.isArray(list) ? list.map(asSchema) : undefined;
}

function compareValues(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const before = valuesOf(older);
  const after = valuesOf(newer);
  if (before === undefined && after === undefined) return compareTypes(path, older, { newer, direction });
  if (before === undefined)
    return [...compareTypes(path, older, { newer, direction }), narrowed(path, 'values limited', direction)];
  if (after === undefined)
    return [...compareTypes(path, older, { newer, direction }), widened(path, 'values no longer limited', direction)];
  return [
    ...before
      .filter((value) => !after.includes(value))
      .map((value) => narrowed(path, `value removed: ${value}`, direction)),
    ...after
      .filter((value) => !before.includes(value))
      .map((value) => widened(path, `value added: ${value}`, direction)),
  ];
}

function valuesOf(schema: Json): readonly string[] | undefined {
  if ('const' in schema) return [JSON.stringify(schema['const'])];
  const { enum: values } = schema as { enum?: unknown };
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : undefined;
}

function compareTypes(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const before = typesOf(older);
  const after = typesOf(newer);
  const covers = (types: readonly string[], type: string): boolean =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  const named = `type ${before.join('|') || 'any'} → ${after.join('|') || 'any'}`;
  // No type at all takes any; so it covers every type and no list of types covers it.
  const adds = before.length > 0 && (after.length === 0 || after.some((type) => !covers(before, type)));
  const drops = after.length > 0 && (before.length === 0 || before.some((type) => !covers(after, type)));
  // One type for another both takes away and adds: it breaks in either direction.
  if (adds && drops) return [{ path, change: named, breaking: true }];
  if (adds) return [widened(path, named, direction)];
  return drops ? [narrowed(path, named, direction)] : [];
}

function typesOf(schema: Json): readonly string[] {
  const { type } = schema as { type?: unknown };
  return typeof type === 'string' ? [type] : Array.isArray(type) ? (type as string[]) : [];
}

function compareBounds(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const one = (name: string, tighter: (before: number, after: number) => boolean): readonly Change[] => {
    const before = older[name] as number | undefined;
    const after = newer[name] as number | undefined;
    if (before === after) return [];
    const change = `${name} ${before ?? 'none'} → ${after ?? 'none'}`;
    const isNarrower = before === undefined || (after !== undefined && tighter(before, after));
    return [isNarrower ? narrowed(path, change, direction) : widened(path, change, direction)];
  };
  return [
    ...lowerBounds.flatMap((name) => one(name, (before, after) => after > before)),
    ...upperBounds.flatMap((name) => one(name, (before, after) => after < before)),
  ];
}

function compareProperties(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const before = schemasOf(older['properties']);
  const after = schemasOf(newer['properties']);
  const must = new Set((older['required'] ?? []) as string[]);
  const mustNow = new Set((newer['required'] ?? []) as string[]);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const at = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const old = before[name];
    const fresh = after[name];
    // A field taken away: who still sends it is refused, who still reads it finds nothing.
    if (fresh === undefined) return [{ path: at, change: 'property removed', breaking: true }];
    if (old === undefined) {
      if (!mustNow.has(name)) return [{ path: at, change: 'optional property added', breaking: false }];
      return [{ path: at, change: 'required property added', breaking: direction === 'in' }];
    }
    const inside = compareAt(at, old, { newer: fresh, direction });
    if (must.has(name) === mustNow.has(name)) return inside;
    const moved = mustNow.has(name)
      ? narrowed(at, 'became required', direction)
      : widened(at, 'became optional', direction);
    return [moved, ...inside];
  });
}

function compareInside(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const nested = (['items', 'additionalProperties', 'propertyNames'] as const).flatMap((word) => {
    // A closed object is closed by false, an open one by nothing or by true; a map has a schema here.
    const before = inner(older[word]);
    const after = inner(newer[word]);
    if (before === false && after === false) return [];
    if (before === false) return [widened(path, `${word} opened`, direction)];
    if (after === false) return [narrowed(path, `${word} closed`, direction)];
    return compareAt(`${path}/*`, before, { newer: after, direction });
  });
  const [defs, freshDefs] = [schemasOf(older['$defs']), schemasOf(newer['$defs'])];
  const shared = Object.keys(defs).filter((name) => name in freshDefs);
  const definitions = shared.flatMap((name) =>
    compareAt(`${path}#${name}`, defs[name] ?? {}, { newer: freshDefs[name] ?? {}, direction }),
  );
  const before = listOf(older['prefixItems']);
  const after = listOf(newer['prefixItems']);
  const length: readonly Change[] =
    before.length === after.length
      ? []
      : [{ path, change: `tuple of ${before.length} → ${after.length}`, breaking: true }];
  const both = before.slice(0, after.length);
  return [
    ...nested,
    ...definitions,
    ...length,
    ...both.flatMap((old, at) => compareAt(`${path}/${at}`, old, { newer: after[at] ?? {}, direction })),
  ];
}

function compareRest(path: string, older: Json, { newer, direction }: Against): readonly Change[] {
  const bounds = new Set<string>([...lowerBounds, ...upperBounds]);
  const words = [...new Set([...Object.keys(older), ...Object.keys(newer)])].filter(
    (word) => !bounds.has(word) && !said.has(word) && (!known.has(word) || word === 'allOf'),
  );
  return words.flatMap((word) => {
    if (JSON.stringify(older[word]) === JSON.stringify(newer[word])) return [];
    if (!(word in newer)) return [widened(path, `${word} removed`, direction)];
    if (!(word in older)) return [narrowed(path, `${word} added`, direction)];
    return [{ path, change: `${word} changed`, breaking: true }];
  });
}

function inner(schema: unknown): Json | false {
  return schema === false ? false : asSchema(schema);
}

function asSchema(schema: unknown): Json {
  return typeof schema === 'object' && schema !== null && !Array.isArray(schema) ? (schema as Json) : {};
}

function listOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.map(asSchema) : [];
}

function schemasOf(properties: unknown): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(asSchema(properties)).map(([name, schema]) => [name, asSchema(schema)]));
}

function nameOf(variant: Json): string {
  const { type } = schemasOf(variant['properties']);
  const name = JSON.stringify(
    type?.['const'] ?? variant['const'] ?? variant['type'] ?? variant['enum'] ?? variant['$ref'] ?? 'object',
  );
  return name.slice(0, 60);
}
