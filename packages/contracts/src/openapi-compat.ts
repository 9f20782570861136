/**
 * Tells whether a newer OpenAPI document still serves everyone who calls by the older one. What is sent (parameters, bodies) may
 * only widen, what comes back may only narrow or gain fields; who may call is part of the promise, and so is every way a call
 * can end.
 */
import { compare, type Change, type Direction } from './compat.js';

type Json = Readonly<Record<string, unknown>>;

/** Everything that differs between two documents, each with whether it breaks somebody. */
export function compareOpenApi(older: unknown, newer: unknown): readonly Change[] {
  const before = operationsOf(asJson(older));
  const after = operationsOf(asJson(newer));
  return keysOf(before, after).flatMap((name) => {
    const [old, fresh] = [before[name], after[name]];
    if (old === undefined) return [{ path: name, change: 'operation added', breaking: false }];
    if (fresh === undefined) return [{ path: name, change: 'operation removed', breaking: true }];
    return [
      ...said(name, old, fresh),
      ...parameters(name, old, fresh),
      ...requestBody(name, old, fresh),
      ...responses(name, old, fresh),
    ];
  });
}

/** `GET /v1/nodes/{id}` → the operation, its references resolved. */
function operationsOf(document: Json): Readonly<Record<string, Json>> {
  const schemas = asJson(asJson(document['components'])['schemas']);
  const found = Object.entries(asJson(document['paths'])).flatMap(([path, item]) =>
    Object.entries(asJson(item)).map(([method, operation]): [string, Json] => [
      `${method.toUpperCase()} ${path}`,
      asJson(resolved(operation, schemas)),
    ]),
  );
  return Object.fromEntries(found);
}

/** What is said of an operation as a whole: who may call it, and the name that clients are made from. */
function said(name: string, older: Json, newer: Json): readonly Change[] {
  return (['operationId', 'x-permission', 'security'] as const).flatMap((word) => {
    const [before, after] = [JSON.stringify(older[word]), JSON.stringify(newer[word])];
    if (before === after) return [];
    return [{ path: name, change: `${word} ${before ?? 'none'} → ${after ?? 'none'}`, breaking: true }];
  });
}

function parameters(name: string, older: Json, newer: Json): readonly Change[] {
  const byName = (operation: Json) =>
    Object.fromEntries(
      listOf(operation['parameters']).map((each) => [`${String(each['in'])} ${String(each['name'])}`, each]),
    );
  const [before, after] = [byName(older), byName(newer)];
  return keysOf(before, after).flatMap((which) => {
    const path = `${name}:${which}`;
    const [old, fresh] = [before[which], after[which]];
    // Unknown parameters are refused, so one that went away refuses who still sends it.
    if (fresh === undefined) return [{ path, change: 'parameter removed', breaking: true }];
    const required = fresh['required'] === true;
    if (old === undefined)
      return [{ path, change: `${required ? 'required' : 'optional'} parameter added`, breaking: required }];
    return [...becameRequired(path, old, fresh), ...inside(path, { older: old, newer: fresh, direction: 'in' })];
  });
}

function requestBody(name: string, older: Json, newer: Json): readonly Change[] {
  const [old, fresh] = [older['requestBody'], newer['requestBody']].map((body) => body && asJson(body)) as [
    Json?,
    Json?,
  ];
  const path = `${name}:body`;
  if (old === undefined && fresh === undefined) return [];
  if (old === undefined) return [{ path, change: 'body added', breaking: fresh?.['required'] === true }];
  if (fresh === undefined) return [{ path, change: 'body removed', breaking: true }];
  return [...becameRequired(path, old, fresh), ...contents(path, { older: old, newer: fresh, direction: 'in' })];
}

function responses(name: string, older: Json, newer: Json): readonly Change[] {
  const [before, after] = [asJson(older['responses']), asJson(newer['responses'])];
  return keysOf(before, after).flatMap((status) => {
    const path = `${name}:${status}`;
    // A caller has a branch for each status that was listed, and for no other.
    if (!(status in before)) return [{ path, change: 'status added', breaking: true }];
    if (!(status in after)) return [{ path, change: 'status removed', breaking: true }];
    const pair = { older: asJson(before[status]), newer: asJson(after[status]), direction: 'out' as const };
    return [...headers(path, pair), ...contents(path, pair)];
  });
}

interface Pair {
  readonly older: Json;
  readonly newer: Json;
  readonly direction: Direction;
}

function headers(path: string, { older, newer }: Pair): readonly Change[] {
  const [before, after] = [asJson(older['headers']), asJson(newer['headers'])];
  return keysOf(before, after).flatMap((header): readonly Change[] => {
    if (!(header in before)) return [{ path, change: `header added: ${header}`, breaking: false }];
    return header in after ? [] : [{ path, change: `header removed: ${header}`, breaking: true }];
  });
}

function contents(path: string, { older, newer, direction }: Pair): readonly Change[] {
  const [before, after] = [asJson(older['content']), asJson(newer['content'])];
  return keysOf(before, after).flatMap((type) => {
    if (!(type in before)) return [{ path, change: `media type added: ${type}`, breaking: false }];
    if (!(type in after)) return [{ path, change: `media type removed: ${type}`, breaking: true }];
    return inside(path, { older: asJson(before[type]), newer: asJson(after[type]), direction });
  });
}

function inside(path: string, { older, newer, direction }: Pair): readonly Change[] {
  return compare(older['schema'], newer['schema'], direction).map((change) => ({
    ...change,
    path: path + change.path,
  }));
}

function becameRequired(path: string, older: Json, newer: Json): readonly Change[] {
  const [before, after] = [older['required'] === true, newer['required'] === true];
  if (before === after) return [];
  return [{ path, change: after ? 'became required' : 'became optional', breaking: after }];
}

const reference = '#/components/schemas/';

/** The value with every reference replaced by what it names, and parts of `allOf` put together, so that both sides compare by what they say. */
function resolved(value: unknown, schemas: Json, open: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, schemas, open));
  if (typeof value !== 'object' || value === null) return value;
  const { $ref, ...rest } = value as Json;
  const name = typeof $ref === 'string' && $ref.startsWith(reference) ? $ref.slice(reference.length) : undefined;
  // What contains itself is named where it comes again.
  if (name !== undefined && open.includes(name)) return value;
  const named = name === undefined ? {} : asJson(resolved(schemas[name], schemas, [...open, name]));
  const here = Object.fromEntries(Object.entries(rest).map(([key, each]) => [key, resolved(each, schemas, open)]));
  const { allOf, ...own } = { ...named, ...here } as Json;
  return [...listOf(allOf), own].reduce(both, {});
}

/** One object schema that says what two say. */
function both(a: Json, b: Json): Json {
  const properties = { ...asJson(a['properties']), ...asJson(b['properties']) };
  const required = [...new Set([...wordsOf(a['required']), ...wordsOf(b['required'])])];
  return {
    ...a,
    ...b,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
  };
}

function keysOf(a: Json, b: Json): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])];
}

function asJson(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.map(asJson) : [];
}

function wordsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? (list as string[]) : [];
}
