/** The migration files of a context, and whether a database may take them. Prevents a gap, an edit or a late merge from passing in silence. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { quoteName } from './tables.js';

const NAME = /^[a-z][a-z0-9_]{0,40}$/;

export type TablePrivilege = 'select' | 'insert' | 'update' | 'delete';

/** What a login role gets on every table that its context's owner makes later; anything wider or narrower is granted by name in a migration. */
export interface ContextRole {
  /** The login is `<context>_<suffix>`. */
  readonly suffix: string;
  readonly tables: readonly TablePrivilege[];
  /** Also EXECUTE on the context's functions and USAGE on its sequences. */
  readonly calls: boolean;
}

export interface ContextMigrations {
  /** Also the name of the schema. */
  readonly context: string;
  /** Absolute; laid out by drizzle-kit: `meta/_journal.json` and one `<tag>.sql` per entry. */
  readonly folder: string;
  /** Default: `contextRoles`. */
  readonly roles?: readonly ContextRole[];
}

export interface Migration {
  readonly number: number;
  readonly tag: string;
  readonly hash: string;
  readonly statements: readonly string[];
  /** False where the first line says `-- no transaction`: then every statement must bear being run twice, names its schema, and stands alone. */
  readonly transactional: boolean;
}

/** Reads and checks a context's migration folder; throws when journal, numbers and files do not fit together. */
export function readMigrations(m: ContextMigrations): readonly Migration[] {
  const journal = JSON.parse(readFileSync(path.join(m.folder, 'meta/_journal.json'), 'utf8')) as {
    entries: { idx: number; tag: string; when: number }[];
  };
  const tags = new Set(journal.entries.map((entry) => `${entry.tag}.sql`));
  const stray = readdirSync(m.folder).find((file) => /^\d{4}_.*\.sql$/.test(file) && !tags.has(file));
  if (stray !== undefined) throw refused(`${m.context}: ${stray} is not in meta/_journal.json`);
  return journal.entries.map((entry, number) => {
    if (entry.idx !== number || !entry.tag.startsWith(`${String(number).padStart(4, '0')}_`))
      throw refused(`${m.context}: journal entry ${number} is ${entry.idx} ${entry.tag}: a gap or a wrong order`);
    const text = readFileSync(path.join(m.folder, `${entry.tag}.sql`), 'utf8').replaceAll('\r\n', '\n');
    const statements = text.split('--> statement-breakpoint').map((statement) => statement.trim());
    return {
      number,
      tag: entry.tag,
      hash: createHash('sha256').update(text).digest('hex'),
      // The schema itself is made by ensureRoles: the owner needs no right to make schemas.
      statements: statements.filter(
        (s) => s !== '' && !new RegExp(`^create schema (if not exists )?"?${m.context}"?;?$`, 'i').test(s),
      ),
      transactional: !/^-- no transaction\b/.test(text),
    };
  });
}

/** A row of the journal in the database. */
export interface JournalRow {
  readonly number: number;
  readonly tag: string;
  readonly hash: string;
  readonly finished: boolean;
}

/** Why a database with these rows may not be touched by these files; undefined when it may. */
export function refusalOf(
  context: string,
  files: readonly Migration[],
  rows: readonly JournalRow[],
): string | undefined {
  for (const [index, row] of rows.entries()) {
    const file = files[row.number];
    if (row.number !== index)
      return `${context}: the database lacks ${files[index]?.tag ?? `migration ${index}`} but has ${row.tag}: applied out of order`;
    if (file === undefined)
      return `${context}: the database has ${row.tag}, which this release does not know: it is newer than this release`;
    if (file.tag !== row.tag || file.hash !== row.hash)
      return `${context}: ${row.tag} was changed after it was applied (now ${file.tag}); applied migrations stay as they are, write a new one`;
    if (!row.finished && index !== rows.length - 1)
      return `${context}: ${row.tag} never finished, but ${rows[index + 1]?.tag} was applied`;
  }
  return undefined;
}

/** The name itself, once it is safe inside SQL text. */
export function checkedName(name: string): string {
  if (!NAME.test(name)) throw refused(`${JSON.stringify(name)} cannot name a context or a role`);
  return name;
}

/** An error that says: nothing was done, and a second try will not help. */
export function refused(message: string): Error {
  return Object.assign(new Error(message), { refused: true });
}

/** True for what `refused` made, also when it came through another copy of this module. */
export function isRefusal(e: unknown): boolean {
  return e instanceof Error && 'refused' in e && e.refused === true;
}

/**
 * A migration step: the app may drop days of the feed of more than a week ago, the oldest first, of which every row is confirmed by audit and
 * published. The first that is not stops it, so nothing is ever missing in the middle.
 */
export function feedDropSql(name: string): string {
  const schema = quoteName(name);
  return `create or replace function ${schema}.feed_drop_confirmed(confirmed bigint) returns integer
language plpgsql security definer set search_path = ${schema}, pg_temp set lock_timeout = '1s' set timezone = 'UTC' as $drop$
declare
  dropped integer := 0;
  published bigint := coalesce((select position from ${schema}.lease where name = 'feed.publish'), 0);
  part text; needed boolean;
begin
  perform pg_advisory_xact_lock(hashtext('${name}'), hashtext('feed.partition'));
  for part in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = '${schema}.feed'::regclass
    and case when c.relname ~ '^feed_p[0-9]{8}$' then to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - 7 else false end order by c.relname loop
    execute format('select exists (select from ${schema}.%I where pos is null or pos > $1)', part) into needed using least(confirmed, published);
    exit when needed;
    execute format('drop table ${schema}.%I', part);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$drop$;
--> statement-breakpoint
revoke execute on function ${schema}.feed_drop_confirmed(bigint) from public;
--> statement-breakpoint
do $grant$ begin
  if to_regrole('${name}_app') is not null then execute 'grant execute on function ${schema}.feed_drop_confirmed(bigint) to ${name}_app'; end if;
end $grant$;`;
}
