// What exists and at which version, page by page. Prevents: a change that went missing on its way to audit, and nobody ever counts.
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Database } from './database.js';
import { readCursor, writeCursor } from './page.js';
import { quoteName } from './tables.js';

/** A table of facts. */
export interface VersionSource {
  readonly table: string;
  /** The type that the feed names, as SQL; told from the name of the table unless given. */
  readonly type?: string;
  /** How many records of changes it must have, as SQL; one for each version unless given. */
  readonly changes?: string;
}

export interface VersionItem {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly changes: number;
}

const nothing = '00000000-0000-0000-0000-000000000000';

/**
 * Facts of a context in the order of its tables and their ids, with the version of each; ids as the feed writes them.
 * @throws Problem permission-denied, invalid-cursor
 */
export async function versionPage(
  db: Database,
  { schema, sources, wireId }: Versions,
  { caller, cursor, limit }: { caller: Caller; cursor?: string | undefined; limit: number },
): Promise<{ items: VersionItem[]; nextCursor?: string }> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { permission: `${schema}.feed.read` });
  const [at = 0, after = nothing] = readCursor(cursor, ['number', 'uuid']) ?? [];
  const source = sources[Number(at)];
  if (source === undefined) throw problem('invalid-cursor');
  const noun = source.table.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const { type = `'${schema}.${noun}'`, changes = 'version' } = source;
  const rows = (await db.unsafe(
    `select ${type} as type, id, version, ${changes} as changes from ${quoteName(schema)}.${quoteName(source.table)} where id > $1 order by id limit $2`,
    [after, limit],
  )) as unknown as readonly VersionItem[];
  const last = rows.at(-1);
  const next: [number, string] | undefined =
    rows.length === limit && last !== undefined
      ? [Number(at), last.id]
      : Number(at) + 1 < sources.length
        ? [Number(at) + 1, nothing]
        : undefined;
  const items = rows.map((row) => ({ ...row, id: wireId(row.type, row.id) }));
  return next === undefined ? { items } : { items, nextCursor: writeCursor(next) };
}

export interface Versions {
  readonly schema: string;
  readonly sources: readonly VersionSource[];
  readonly wireId: (type: string, uuid: string) => string;
}
