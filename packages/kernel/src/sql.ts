// Prevents: values that change on their way (a bigint that lost digits, a boolean read as false, a date without its microseconds),
// and text that begins or ends a transaction, or changes the session, behind the pool's back.
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { fault } from './errors.js';

export type Row = Record<string, unknown>;
/** Rows, and how many were touched where the statement returns none. */
export type Rows<R extends object = Row> = readonly R[] & { readonly count: number };
/** One statement, prepared. Values: string, number, boolean, null, Date, bigint, bytes, arrays of these, and json(x). */
export interface Sql {
  <R extends object = Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<Rows<R>>;
}
export type DrizzleHandle = PostgresJsDatabase & { readonly $client: unknown };

/** The driver's client of one physical connection. */
export type Wire = postgres.Sql<Record<string, never>>;
export type WireResult = postgres.RowList<postgres.Row[]>;
/** A statement yet to be put on a wire; `head` is the text it begins with. */
export interface Statement {
  readonly head: string;
  send(wire: Wire): PromiseLike<unknown>;
}

const jsonMark = Symbol('sentral.json');
const jsonbType = 3802;

/** Marks a value as a jsonb parameter. */
export function json(value: unknown): unknown {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('json(undefined) is not a value');
  return { [jsonMark]: text };
}

function parameter(wire: Wire, value: unknown): unknown {
  if (value === null) return null;
  const kind = typeof value;
  if (kind === 'string' || kind === 'number' || kind === 'boolean' || kind === 'bigint') return value;
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError('An invalid Date is not a parameter');
    return value;
  }
  if (value instanceof Uint8Array) return value;
  if (kind === 'object' && jsonMark in (value as object)) {
    return wire.typed((value as { [jsonMark]: string })[jsonMark] as never, jsonbType);
  }
  throw new TypeError(`A parameter may not be ${value === undefined ? 'undefined' : 'an object: json(x) makes jsonb'}`);
}

/** PostgreSQL knows the element type from the place of the parameter, so the text of the array is enough. */
function arrayText(values: readonly unknown[]): string {
  return `{${values.map(elementText).join(',')}}`;
}

function elementText(value: unknown): string {
  if (value === null) return 'NULL';
  if (Array.isArray(value)) return arrayText(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  let text: string;
  if (typeof value === 'string') text = value;
  else if (value instanceof Date) text = value.toISOString();
  else if (value instanceof Uint8Array) text = `\\x${Buffer.from(value).toString('hex')}`;
  else if (typeof value === 'object' && value !== null && jsonMark in value) text = value[jsonMark] as string;
  else throw new TypeError('An element of an array parameter may not be undefined or an object');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

// --- from rows

type Convert = (text: string) => unknown;

function safeInteger(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n))
    throw new RangeError('A bigint of the database does not fit a number: select it as text');
  return n;
}

function instant(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()))
    throw new RangeError('A timestamptz of the database is not an instant: infinity, or BC');
  return date;
}

const integer: Convert = Number;
const same: Convert = (text) => text;
const byType = new Map<number, Convert>([
  [20, safeInteger],
  [114, JSON.parse],
  [jsonbType, JSON.parse],
  [1184, instant],
]);
/** Array types by their element's conversion; the rest of what PostgreSQL has comes as text. */
const elementOf = new Map<number, Convert>([
  [1000, (text) => text === 't'], [1005, integer], [1007, integer], [1021, integer], [1022, integer], [1028, integer],
  [1016, safeInteger], [199, JSON.parse], [3807, JSON.parse], [1185, instant],
]); // prettier-ignore
// name, char, text, varchar, uuid, numeric, inet, cidr, date, timestamp, the ranges, xid8
for (const oid of [1003, 1002, 1009, 1015, 2951, 1231, 1041, 651, 1182, 1115, 3905, 3927, 3907, 3911, 3913, 271]) {
  elementOf.set(oid, same);
}
for (const [oid, element] of elementOf) byType.set(oid, (text) => parseArray(text, element));

/** What drizzle's own mappers expect: text, save where the value would be parsed twice or not at all. */
const forDrizzle = new Map<number, Convert>([...elementOf.keys()].map((oid) => [oid, byType.get(oid) ?? same]));
const drizzleJson: Convert = (text) => (text.startsWith('"') ? text : JSON.parse(text));
for (const [oid, convert] of [[114, drizzleJson], [jsonbType, drizzleJson], [1185, (text: string) => parseArray(text, same)], [20, drizzleBigint]] as const) {
  forDrizzle.set(oid, convert);
} // prettier-ignore

function drizzleBigint(text: string): unknown {
  const n = Number(text);
  return Number.isSafeInteger(n) ? n : text;
}

function parseArray(text: string, element: Convert): unknown[] {
  let at = text.indexOf('{'); // bounds such as [0:1]={…} are skipped
  const list = (): unknown[] => {
    const out: unknown[] = [];
    at += 1;
    while (text[at] !== '}') {
      if (at >= text.length) throw new RangeError('An array of the database has no end');
      if (text[at] === ',') at += 1;
      if (text[at] === '{') out.push(list());
      else if (text[at] === '"') out.push(element(quoted()));
      else {
        const from = at;
        while (text[at] !== ',' && text[at] !== '}') at += 1;
        const word = text.slice(from, at);
        out.push(word === 'NULL' ? null : element(word));
      }
    }
    at += 1;
    return out;
  };
  const quoted = (): string => {
    let out = '';
    for (at += 1; text[at] !== '"'; at += 1) {
      if (text[at] === '\\') at += 1;
      out += text[at];
    }
    at += 1;
    return out;
  };
  return list();
}

type Plan = readonly (readonly [key: string | number, convert: Convert])[];
const plans = new WeakMap<object, Plan>(); // by the column list, which a prepared statement keeps

function planOf(columns: postgres.ColumnList<string>, arrays: boolean): Plan {
  let plan = plans.get(columns);
  if (plan === undefined) {
    const found = new Map<string | number, Convert>();
    for (const [i, column] of columns.entries()) {
      const convert = (arrays ? forDrizzle : byType).get(column.type);
      if (convert) found.set(arrays ? i : column.name, convert);
      else found.delete(arrays ? i : column.name);
    }
    plans.set(columns, (plan = [...found]));
  }
  return plan;
}

/** Several statements in one text may answer with a list of results: the last one counts. */
export function lastResult(answer: unknown): WireResult {
  return (Object.hasOwn(answer as object, 'command') ? answer : (answer as unknown[]).at(-1)) as WireResult;
}

function convertRows(answer: unknown, arrays: boolean): Rows {
  const result = lastResult(answer);
  const columns = result.columns as postgres.ColumnList<string> | null;
  if (columns && columns.length > 0 && result.length > 0) {
    const plan = planOf(columns, arrays);
    if (plan.length > 0) {
      for (const row of result as unknown as Record<string | number, unknown>[]) {
        for (const [key, convert] of plan) {
          const value = row[key];
          if (value !== null) row[key] = convert(value as string);
        }
      }
    }
  }
  return result;
}

/** Rows as objects by column name. */
export const toRows = (answer: unknown): Rows => convertRows(answer, false);

// --- statements

/** Prepared statements a connection keeps of free text (drizzle, unsafe); further ones are sent unprepared. */
const preparedMax = 1000;
const preparedOn = new WeakMap<Wire, Set<string>>();

function prepares(wire: Wire, text: string): boolean {
  let seen = preparedOn.get(wire);
  if (!seen) preparedOn.set(wire, (seen = new Set()));
  if (seen.has(text)) return true;
  if (seen.size >= preparedMax) return false;
  seen.add(text);
  return true;
}

const refusedKeyword =
  /^(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare|discard|listen|unlisten|reset|set(?!\s+(?:local|constraints|transaction)\b))\b/i;

/** Words that would begin or end a transaction, or change the session, are refused: they would leak to the next user of the connection. */
export function refuseControl(text: string, several: boolean): void {
  for (let at = 0; at < text.length;) {
    const start = skipBlank(text, at);
    const refused = refusedKeyword.exec(text.slice(start, start + 40));
    if (refused)
      throw fault(
        'REFUSED_TEXT',
        `"${refused[0].toLowerCase()}" does not go through the query path: use inTransaction`,
      );
    if (!several) return;
    at = afterStatement(text, start);
  }
}

const blank = /(?:\s+|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/|;)*/y;
function skipBlank(text: string, at: number): number {
  blank.lastIndex = at;
  blank.exec(text);
  return blank.lastIndex;
}

// Strings, quoted names, dollar quotes and comments hide a semicolon; anything else runs up to the next one.
const piece =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/|;|[^'"$;/-]+|[\s\S]/y;
function afterStatement(text: string, from: number): number {
  piece.lastIndex = from;
  for (let token = piece.exec(text); token; token = piece.exec(text)) if (token[0] === ';') return piece.lastIndex;
  return text.length;
}

const checkedTags = new WeakSet<TemplateStringsArray>();

/** A tagged statement: prepared, its text checked once per place in the code. */
export function tagged(strings: TemplateStringsArray, values: readonly unknown[]): Statement {
  const head = strings[0] ?? '';
  if (!checkedTags.has(strings)) {
    refuseControl(head, false);
    checkedTags.add(strings);
  }
  return { head, send: (wire) => wire(strings, ...(values.map((value) => parameter(wire, value)) as never[])) };
}

/** Free text. Without parameters it may hold several statements; with them it is one, prepared. */
export function texted(text: string, params: readonly unknown[] = [], arrays = false): Statement {
  refuseControl(text, params.length === 0);
  const send = (wire: Wire): PromiseLike<unknown> => {
    const values = params.map((value) => parameter(wire, value)) as never[];
    const query = wire.unsafe(text, values, { prepare: values.length > 0 && prepares(wire, text) });
    // The driver keeps the origin of each failed untagged query for ever, by its own strings: give it nothing to keep.
    void Object.defineProperty(query, 'origin', { value: '' });
    return arrays ? query.values() : query;
  };
  return { head: text, send };
}

/** Text of our own, several statements in one round trip, unchecked. */
export function control(text: string): Statement {
  return { head: text, send: (wire) => wire.unsafe(text) };
}

// --- handles

export type Run = (statement: Statement) => Promise<unknown>;

/** The tagged function over something that runs statements. */
export function sqlOn(run: Run): Sql {
  return async <R extends object>(strings: TemplateStringsArray, ...values: unknown[]) =>
    toRows(await run(tagged(strings, values))) as unknown as Rows<R>;
}

/** Drizzle over something that runs statements: the part of the driver's client that drizzle-orm/postgres-js uses. */
export function drizzleOn(run: Run, nested: <T>(work: (client: unknown) => Promise<T>) => Promise<T>): DrizzleHandle {
  const client = {
    options: { parsers: {}, serializers: {} }, // drizzle writes its own parsers in here, where they do nothing
    unsafe(text: string, params: readonly unknown[] = []) {
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- drizzle awaits the query itself for rows, or calls values()
        then: <A, B>(done?: (rows: Rows) => A, failed?: (error: unknown) => B) =>
          (async () => toRows(await run(texted(text, params))))().then(done, failed),
        values: async () => convertRows(await run(texted(text, params, true)), true),
      };
    },
    begin: nested,
    savepoint: nested,
  };
  return drizzle(client as never);
}
