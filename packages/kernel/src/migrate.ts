/**
 * Roles, schemas and migrations of a context. Prevents what drizzle's own `migrate()` lets happen: concurrent runs that fail, an edited or late-merged
 * migration that is skipped in silence, an older release that starts on a newer schema. The migrator and the tests take these very same steps.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, Tx } from './database.js';
import { sqlState } from './errors.js';
import { checkedName, readMigrations, refusalOf, refused } from './migration-files.js';
import type { ContextMigrations, ContextRole, JournalRow, Migration } from './migration-files.js';
import { inTransaction } from './transaction.js';

export type { ContextMigrations, ContextRole } from './migration-files.js';

export interface MigrationStatus {
  readonly context: string;
  readonly applied: readonly string[];
  readonly pending: readonly string[];
  /** Why nothing may be applied here: edited, missing, out of order, or newer than this release. */
  readonly refusal?: string;
}

export interface MigrateOptions {
  readonly log?: (line: string) => void;
  /** How long to stand in line behind another run. */
  readonly waitMs?: number;
}

/** The four of architecture.md 7.3; the owner is always made and never listed. */
export const contextRoles: readonly ContextRole[] = [
  { suffix: 'app', tables: ['select', 'insert', 'update', 'delete'], calls: true },
  { suffix: 'read', tables: ['select'], calls: false },
  { suffix: 'platform', tables: ['select'], calls: false },
];

/** Two-int advisory lock: 0x5344 stands apart from every context number; one key for the database, since roles and contexts depend on each other. */
const TURN = 'select pg_try_advisory_xact_lock(21316, 1) as mine';
/** DDL waits this long for its lock, so that it never makes the application queue behind it for longer, and then tries again from the start. */
const LOCK_TIMEOUT = '150ms';
const LOCK_TRIES = 60;
/** Migrations may take longer than any request; what bounds them is the lock timeout. */
const UNHURRIED = { statement_timeout: '0', idle_in_transaction_session_timeout: '0' };
const DEADLINE_MS = 3_600_000;
/** What two runs on two databases of one cluster can do to each other's roles: duplicate role, unique key, tuple concurrently updated. */
const ROLE_RACE = new Set(['42710', '23505', 'XX000']);

/** Applies what is pending, one transaction per migration; throws, with nothing half done, on a refusal (see MigrationStatus). */
export async function migrateContext(
  db: Database,
  m: ContextMigrations,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const files = readMigrations(m);
  const done: string[] = [];
  for (let tries = 0; ;) {
    try {
      const tag = await inTurn(db, options, (tx) =>
        applyNext({ db, tx, m, files, log: options.log ?? (() => undefined) }),
      );
      if (tag === undefined) return done;
      done.push(tag);
      tries = 0;
    } catch (e) {
      if (sqlState(e) !== '55P03' || ++tries >= LOCK_TRIES) throw e;
      options.log?.(`${m.context}: a table was busy for ${LOCK_TIMEOUT}, try ${tries} of ${LOCK_TRIES}`);
      await sleep(100 + Math.random() * Math.min(2_000, 100 * tries));
    }
  }
}

/** What is applied, what is pending, and whether this release may touch the schema at all. */
export async function statusOf(db: Database, m: ContextMigrations): Promise<MigrationStatus> {
  const files = readMigrations(m);
  const rows = await journalRows(db, m.context);
  const refusal = refusalOf(m.context, files, rows);
  const finished = rows.filter((row) => row.finished);
  return {
    context: m.context,
    applied: finished.map((row) => row.tag),
    pending: files.slice(finished.length).map((file) => file.tag),
    ...(refusal === undefined ? {} : { refusal }),
  };
}

/** The migrations that `migrateContext` would apply now, statement by statement. */
export async function planOf(db: Database, m: ContextMigrations): Promise<readonly Migration[]> {
  const status = await statusOf(db, m);
  return readMigrations(m).filter((file) => status.pending.includes(file.tag));
}

interface Step {
  readonly db: Database;
  readonly tx: Tx;
  readonly m: ContextMigrations;
  readonly files: readonly Migration[];
  readonly log: (line: string) => void;
}

async function applyNext({ db, tx, m, files, log }: Step): Promise<string | undefined> {
  await becomeOwner(tx, m);
  const rows = await journalRows(tx, m.context);
  const refusal = refusalOf(m.context, files, rows);
  if (refusal !== undefined) throw refused(refusal);
  const file = files[rows.filter((row) => row.finished).length];
  if (file === undefined) return undefined;
  log(`${m.context}: ${file.tag}${file.transactional ? '' : ' (statement by statement)'}`);
  if (!file.transactional) await applyAlone(db, m, file);
  else {
    if (rows.length === 0) await createJournal(tx, m);
    await tx.unsafe(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    for (const statement of file.statements) await run(tx, m, file, statement);
    await noteJournal(tx, m, file, true);
  }
  return file.tag;
}

/**
 * Runs where a transaction may not be (CREATE INDEX CONCURRENTLY). The caller's transaction holds the turn and has written nothing, so no concurrent build
 * waits for it. A killed run is taken up from the first statement: so each must bear a second run, and half-built indexes are removed first.
 */
async function applyAlone(db: Database, m: ContextMigrations, file: Migration): Promise<void> {
  const note = (finished: boolean) =>
    inTransaction(db, async (tx) => {
      await becomeOwner(tx, m);
      await noteJournal(tx, m, file, finished);
    });
  await note(false);
  const halfBuilt = await db.unsafe(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid and c.relnamespace = '${m.context}'::regnamespace and c.relkind = 'i'`,
  );
  for (const { name } of halfBuilt)
    if (file.statements.some((statement) => statement.includes(String(name))))
      await db.unsafe(`drop index concurrently if exists "${m.context}"."${String(name)}"`);
  for (const statement of file.statements) await run(db, m, file, statement);
  await note(true);
}

async function run(
  on: Pick<Database, 'unsafe'>,
  m: ContextMigrations,
  file: Migration,
  statement: string,
): Promise<void> {
  try {
    await on.unsafe(statement);
  } catch (e) {
    // The lost lock is decided on by its SQLSTATE, which the wrapping would hide.
    if (sqlState(e) === '55P03') throw e;
    const reason = e instanceof Error ? (e.cause instanceof Error ? e.cause.message : e.message) : String(e);
    throw new Error(
      `${m.context}: ${file.tag} failed (${sqlState(e) ?? 'no SQLSTATE'}): ${reason}\nin: ${statement.slice(0, 400)}`,
      { cause: e },
    );
  }
}

async function becomeOwner(tx: Tx, m: ContextMigrations): Promise<void> {
  await tx.unsafe(`set local role "${checkedName(m.context)}_owner"`);
  await tx.unsafe(`set local search_path = "${m.context}", extensions`);
}

/** The journal lies in the context's own schema: it goes along in `pg_dump -n <context>`, so an extracted context still knows where it stands. */
async function createJournal(tx: Tx, m: ContextMigrations): Promise<void> {
  await tx.unsafe(
    `create table "${m.context}".migration (number integer constraint migration_pkey primary key, tag text not null, hash text not null, started_at timestamptz not null default now(), finished_at timestamptz)`,
  );
  for (const role of m.roles ?? contextRoles) {
    await tx.unsafe(`revoke all on "${m.context}".migration from "${m.context}_${role.suffix}"`);
    await tx.unsafe(`grant select on "${m.context}".migration to "${m.context}_${role.suffix}"`);
  }
}

async function noteJournal(tx: Tx, m: ContextMigrations, file: Migration, finished: boolean): Promise<void> {
  await tx.unsafe(
    `insert into "${m.context}".migration (number, tag, hash, finished_at) values ($1::int, $2, $3, case when $4::boolean then clock_timestamp() end)
     on conflict (number) do update set finished_at = excluded.finished_at`,
    [file.number, file.tag, file.hash, finished],
  );
}

async function journalRows(on: Pick<Database, 'unsafe'>, context: string): Promise<readonly JournalRow[]> {
  const [table] = await on.unsafe(
    `select 1 as found from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = 'migration'`,
    [checkedName(context)],
  );
  if (table === undefined) return [];
  const rows = await on.unsafe(
    `select number, tag, hash, finished_at is not null as finished from "${context}".migration order by number`,
  );
  return rows.map((row) => ({
    number: Number(row['number']),
    tag: String(row['tag']),
    hash: String(row['hash']),
    finished: row['finished'] === true,
  }));
}

/** Makes roles, schemas, `extensions` and default privileges of the contexts; changes nothing where all is there. Passwords are keyed by role name. */
export async function ensureRoles(
  adminDb: Database,
  contexts: readonly Pick<ContextMigrations, 'context' | 'roles'>[],
  passwords: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (let tries = 0; ;) {
    try {
      await inTurn(adminDb, {}, (tx) => makeRoles(tx, contexts, passwords));
      return;
    } catch (e) {
      if (!ROLE_RACE.has(sqlState(e) ?? '') || ++tries >= LOCK_TRIES) throw e;
      await sleep(20 + Math.random() * 30 * tries);
    }
  }
}

async function makeRoles(
  tx: Tx,
  contexts: readonly Pick<ContextMigrations, 'context' | 'roles'>[],
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  const [server] = await tx.unsafe(
    `select current_setting('server_version_num')::int as version, quote_ident(current_database()) as database, current_user::text as login`,
  );
  const known = new Map(
    (await tx.unsafe('select rolname as name, rolcanlogin as login from pg_roles')).map((row) => [
      String(row['name']),
      row['login'] === true,
    ]),
  );
  const database = String(server?.['database']);
  const ensure = async (role: string, login: boolean): Promise<void> => {
    if (!known.has(role)) await tx.unsafe(`create role "${role}" ${login ? 'login' : 'nologin'}`);
    else if (known.get(role) !== login) await tx.unsafe(`alter role "${role}" ${login ? 'login' : 'nologin'}`);
    known.set(role, login);
    const password = login ? passwords[role] : undefined;
    if (password !== undefined) await tx.unsafe(`alter role "${role}" password '${scramVerifier(password)}'`);
  };
  await ensureExtensions(tx);
  for (const { context, roles = contextRoles } of contexts) {
    const owner = `${checkedName(context)}_owner`;
    await ensure(owner, false);
    await joinOwner(tx, owner, Number(server?.['version']));
    await tx.unsafe(`create schema if not exists "${context}" authorization "${owner}"`);
    for (const role of ['owner', ...roles.map((each) => checkedName(each.suffix))]) {
      if (role !== 'owner') await ensure(`${context}_${role}`, true);
      await tx.unsafe(
        `alter role "${context}_${role}" in database ${database} set search_path = "${context}", extensions`,
      );
    }
    await tx.unsafe(`set local role "${owner}"`);
    await grantDefaults(tx, context, roles);
    await tx.unsafe('set local role none');
  }
}

async function grantDefaults(tx: Tx, context: string, roles: readonly ContextRole[]): Promise<void> {
  const later = `alter default privileges in schema "${context}"`;
  // PUBLIC's EXECUTE is a default of the role, not of the schema: only the form without a schema takes it away.
  await tx.unsafe('alter default privileges revoke execute on functions from public');
  for (const role of roles) {
    const login = `"${context}_${role.suffix}"`;
    await tx.unsafe(`grant usage on schema "${context}" to ${login}`);
    if (role.tables.length > 0) await tx.unsafe(`${later} grant ${role.tables.join(', ')} on tables to ${login}`);
    if (!role.calls) continue;
    await tx.unsafe(`${later} grant execute on functions to ${login}`);
    await tx.unsafe(`${later} grant usage on sequences to ${login}`);
  }
}

/** From PostgreSQL 16 the maker of a role has ADMIN on it but neither SET nor INHERIT; before, a CREATEROLE login is no member at all. */
async function joinOwner(tx: Tx, owner: string, version: number): Promise<void> {
  const how =
    version >= 160_000
      ? `pg_has_role(current_user, '${owner}', 'SET') and pg_has_role(current_user, '${owner}', 'USAGE')`
      : `pg_has_role(current_user, '${owner}', 'USAGE')`;
  const [row] = await tx.unsafe(`select ${how} as member, quote_ident(current_user) as login`);
  if (row?.['member'] === true) return;
  await tx.unsafe(
    `grant "${owner}" to ${String(row?.['login'])}${version >= 160_000 ? ' with set true, inherit true' : ''}`,
  );
}

async function ensureExtensions(tx: Tx): Promise<void> {
  const [found] = await tx.unsafe(
    `select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'btree_gist'`,
  );
  if (found !== undefined && found['schema'] !== 'extensions')
    throw refused(
      `btree_gist lies in schema ${String(found['schema'])}, where a pinned search_path does not find it: alter extension btree_gist set schema extensions`,
    );
  if (found !== undefined) return;
  await tx.unsafe('create schema if not exists extensions');
  await tx.unsafe('grant usage on schema extensions to public');
  await tx.unsafe('create extension btree_gist schema extensions');
}

/** SCRAM-SHA-256 as PostgreSQL stores it, made here so that no password reaches the server's log. */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, 4096, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${salt.toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

/** Polls for the one lock instead of waiting in it, so that no timeout of the pool ends the wait. */
async function inTurn<T>(db: Database, options: MigrateOptions, work: (tx: Tx) => Promise<T>): Promise<T> {
  const until = Date.now() + (options.waitMs ?? 600_000);
  for (;;) {
    const turn = await inTransaction(
      db,
      async (tx) => {
        const [row] = await tx.unsafe(TURN);
        return row?.['mine'] === true ? { result: await work(tx) } : undefined;
      },
      { settings: UNHURRIED, deadlineMs: DEADLINE_MS },
    );
    if (turn !== undefined) return turn.result;
    if (Date.now() > until)
      throw new Error('Another migration run has held the lock for too long; see pg_locks, locktype advisory.');
    await sleep(20 + Math.random() * 80);
  }
}
