// Keyset pages. Prevents: a list that skips or repeats rows while others write, and a cursor that reaches SQL unchecked.
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
  kinds: readonly ('uuid' | 'text' | 'number')[],
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
    if (kinds[at] === 'number' ? !Number.isSafeInteger(key) : typeof key !== 'string') throw problem('invalid-cursor');
    if (kinds[at] === 'uuid' && !uuid.test(key as string)) throw problem('invalid-cursor');
    return key as string | number;
  });
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

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
