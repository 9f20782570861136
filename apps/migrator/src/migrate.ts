import { openDatabase, type Database } from '@sentral/kernel/database';
import { ensureRoles, migrateContext, planOf, statusOf, type MigrationStatus } from '@sentral/kernel/migrate';
import type { Migration } from '@sentral/kernel/migration-files';
import { compareCatalogues, dumpCatalogue } from './catalogue.js';
import type { Config } from './config.js';
import { goldenOf } from './golden.js';
import { lintMigrations, type Finding } from './lint.js';
import type { Room } from './rooms.js';

type Log = (line: string) => void;

/** Makes the roles and applies what is pending in every place; the development start calls this too. Answers what it applied. */
export async function up(config: Config, log: Log): Promise<readonly string[]> {
  const done: string[] = [];
  await eachDatabase(config, async (db, here) => {
    const contexts = here.map((room) => room.migrations);
    await ensureRoles(db, contexts, config.passwords);
    log(`roles, schemas and extensions stand for ${contexts.map((each) => each.context).join(', ')}`);
    for (const { migrations, keepHouse } of here) {
      const tags = await migrateContext(db, migrations, { log });
      if (tags.length === 0) log(`${migrations.context}: nothing to do`);
      await keepHouse?.(db);
      done.push(...tags.map((tag) => `${migrations.context}: ${tag}`));
    }
  });
  return done;
}

/** What is applied and pending in every place. */
export async function status(config: Config): Promise<readonly MigrationStatus[]> {
  const found: MigrationStatus[] = [];
  await eachDatabase(config, async (db, here) => {
    for (const room of here) found.push(await statusOf(db, room.migrations));
  });
  return found;
}

export interface Plan {
  readonly context: string;
  readonly migrations: readonly Migration[];
  /** What the lint has against them. */
  readonly findings: readonly Finding[];
}

/** What `up` would run now. */
export async function plan(config: Config): Promise<readonly Plan[]> {
  const found: Plan[] = [];
  await eachDatabase(config, async (db, here) => {
    for (const { migrations, opening } of here) {
      const pending = await planOf(db, migrations);
      found.push({ context: migrations.context, migrations: pending, findings: lintMigrations(pending, opening) });
    }
  });
  return found;
}

export interface Drift {
  readonly context: string;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** How each live schema differs from the golden one that its package ships. */
export async function drift(config: Config): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  await eachDatabase(config, async (db, here) => {
    for (const { migrations } of here)
      found.push({
        context: migrations.context,
        ...compareCatalogues(goldenOf(migrations), await dumpCatalogue(db, migrations.context)),
      });
  });
  return found;
}

/** Makes each feed number on in this cluster; `confirmed` is audit's last position by context, where it knows more than a backup. */
export async function restoreFeeds(
  config: Config,
  confirmed: Readonly<Record<string, number>>,
  log: Log,
): Promise<void> {
  await eachDatabase(config, async (db, here) => {
    for (const room of here) {
      const { context } = room.migrations;
      const restored = await room.restoreFeed?.(db, confirmed[context]);
      if (restored === undefined) continue;
      const { waiting, nextPos, lost } = restored;
      log(
        `${context}: ${waiting} facts without a position now belong to this cluster; the next position is ${nextPos}`,
      );
      if (lost !== undefined)
        log(
          `${context}: the positions ${lost.from} to ${lost.to} are lost: audit confirmed them, this database does not have them`,
        );
    }
  });
}

/**
 * Runs an operator's command on the database of one context, by the migrator's login.
 * @throws Error when SENTRAL_CONTEXTS leaves that context out
 */
export async function onDatabaseOf<T>(config: Config, context: string, work: (db: Database) => Promise<T>): Promise<T> {
  const place = config.places.find(({ room }) => room.migrations.context === context);
  if (place === undefined) throw new Error(`SENTRAL_CONTEXTS leaves out ${context}, which this command is about`);
  const answers: T[] = [];
  await eachDatabase({ ...config, places: [place] }, async (db) => {
    answers.push(await work(db));
  });
  return answers[0] as T;
}

async function eachDatabase(
  config: Config,
  work: (db: Database, here: readonly Room[]) => Promise<void>,
): Promise<void> {
  for (const url of new Set(config.places.map((place) => place.url))) {
    // Two connections: one holds the turn while an index is built outside any transaction on the other.
    const db = openDatabase({
      url,
      applicationName: 'sentral-migrator',
      poolSize: 2,
      needPrimary: true,
      statementTimeoutMs: 3_600_000,
      lockTimeoutMs: 3_600_000,
      idleInTransactionTimeoutMs: 3_600_000,
    });
    try {
      await work(
        db,
        config.places.filter((place) => place.url === url).map((place) => place.room),
      );
    } finally {
      await db.close(5_000);
    }
  }
}
