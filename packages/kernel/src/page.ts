// Keyset pages. Prevents: a list that skips or repeats rows while others write, and a cursor that reaches SQL unchecked.
import { isIP } from 'node:net';
import { problem } from '@sentral/contracts/problem';

/** Where a page goes on: the sort keys of its last row. Only the context that wrote it reads it; the facade seals it. */
export function writeCursor(keys: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/**
 * Reads the sort keys back.
 * @throws Problem invalid-cursor
 */
export function readCursor(
  cursor: string | undefined,
  kinds: readonly ('number' | keyof typeof isTextOf)[],
): readonly (string | number)[] | undefined {
  if (cursor === undefined) return undefined;
  let keys: unknown;
  try {
    keys = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw problem('invalid-cursor');
  }
  if (!Array.isArray(keys) || keys.length !== kinds.length) throw problem('invalid-cursor');
  return keys.map((key: unknown, at) => {
    const kind = kinds[at] ?? 'text';
    const fits = kind === 'number' ? Number.isSafeInteger(key) : typeof key === 'string' && isTextOf[kind](key);
    if (!fits) throw problem('invalid-cursor');
    return key as string | number;
  });
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A timestamptz as PostgreSQL writes it, to the microsecond: a Date would cut it, and rows of one millisecond would repeat. */
const instant = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/;
const isInstant = (text: string): boolean => instant.test(text) && !Number.isNaN(Date.parse(text));

function isInet(text: string): boolean {
  const [, host = '', length] = /^([0-9a-f.:]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const family = isIP(host);
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
}

/** Whether a text is one that PostgreSQL reads as this type without an error. */
const isTextOf = {
  text: () => true,
  uuid: (text: string) => uuid.test(text),
  timestamptz: isInstant,
  bigint: (text: string) => /^-?\d{1,18}$/.test(text),
  inet: isInet,
} as const;

/** Conditions and their parameters, gathered as a command names them. */
export interface Query {
  /** Adds a parameter and gives its place. */
  value(parameter: unknown): string;
  and(condition: string): void;
  /** `where …`, or nothing. */
  where(): string;
  readonly params: readonly unknown[];
}

export function query(): Query {
  const conditions: string[] = [];
  const params: unknown[] = [];
  return {
    value: (parameter) => `$${params.push(parameter)}`,
    and: (condition) => void conditions.push(condition),
    where: () => (conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`),
    params,
  };
}

type SortKey = { readonly by: string; readonly gives: Exclude<keyof typeof isTextOf, 'uuid'> };

/** What a list may be sorted by besides the id: for each field the expression that an index has, followed by the id. */
export type SortKeys<S extends string> = { readonly [F in Exclude<S, 'id' | `-${string}`>]: SortKey };

/**
 * Goes on after the cursor in the order asked for. The id comes last and goes the same way, so one index serves both ways;
 * `select` lays the key of each row beside its columns, for `keys`.
 * @throws Problem invalid-cursor for a cursor of another order too
 */
export function sorted<S extends string>(
  q: Query,
  { sort, cursor, id, by }: { sort: S; cursor?: string | undefined; id: string; by: SortKeys<S> },
) {
  const key = (by as Readonly<Record<string, SortKey | undefined>>)[sort.replace('-', '')];
  const columns = [...(key ? [key] : []), { by: id, gives: 'uuid' as const }];
  const [order, ...at] = readCursor(cursor, ['text', ...columns.map(({ gives }) => gives)]) ?? [sort];
  if (order !== sort) throw problem('invalid-cursor');
  const [beyond, way] = sort.startsWith('-') ? ['<', ' desc'] : ['>', ''];
  const after = at.map((value, n) => `${q.value(value)}::${columns[n]?.gives}`).join(', ');
  if (after !== '') q.and(`(${columns.map((each) => each.by).join(', ')}) ${beyond} (${after})`);
  return {
    select: (text: string) => (key ? text.replace(/^select /, `select (${key.by})::text as "sortKey", `) : text),
    orderBy: `order by ${columns.map((each) => each.by + way).join(', ')}`,
    keys: (row: { id: string; sortKey?: string }) => (key ? [sort, row.sortKey ?? '', row.id] : [sort, row.id]),
  };
}

/** A page out of one row more than was asked for. */
export function page<R, T>(
  rows: readonly R[],
  limit: number,
  shape: { item: (row: R) => T; keys: (row: R) => readonly (string | number)[] },
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(shape.item);
  return rows.length > limit && last !== undefined ? { items, nextCursor: writeCursor(shape.keys(last)) } : { items };
}
