import { randomBytes } from 'node:crypto';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { contextRoles, ensureRoles, migrateContext, type ContextMigrations } from '@sentral/kernel/migrate';

export interface TestDatabase {
  /** The URL of a role of production, for example `inventory_app`. */
  url(role: string): string;
  /** The URL of the one who may do everything: for catalogue checks, never for what production does. */
  readonly adminUrl: string;
  drop(): Promise<void>;
}

export interface TemplateOptions {
  readonly contexts: readonly ContextMigrations[];
  /** One server that several runs share needs a name for each run. */
  readonly name?: string;
}

/** Every login role of a test server has it. */
const rolePassword = 'sentral';
const usualTemplate = 'sentral_template';

/**
 * Makes the database that each test file gets a copy of: the roles of production and every migration, by the migrator's
 * own steps. Returns the URL that names it for `createTestDatabase`.
 */
export async function prepareTemplate(adminUrl: string, options: TemplateOptions): Promise<string> {
  const name = options.name ?? usualTemplate;
  await asAdmin(adminUrl, (db) => db.unsafe(`create database ${name} strategy file_copy`));
  await asAdmin(onDatabase(adminUrl, name), async (db) => {
    await ensureRoles(db, options.contexts, passwordsOf(options.contexts));
    for (const context of options.contexts) await migrateContext(db, context);
  });
  // Nobody may connect: one connection to a template and no copy of it can be made.
  await asAdmin(adminUrl, (db) => db.unsafe(`alter database ${name} with is_template true allow_connections false`));
  return onDatabase(adminUrl, name);
}

/** Removes a template that `prepareTemplate` made on a server that stays. */
export async function dropTemplate(templateUrl: string): Promise<void> {
  const name = databaseOf(templateUrl);
  await asAdmin(onDatabase(templateUrl, 'postgres'), async (db) => {
    await db.unsafe(`alter database ${name} with is_template false`);
    await db.unsafe(`drop database if exists ${name} with (force)`);
  });
}

/** A database of its own for one test file, copied from the template in 25 to 110 ms. */
export async function createTestDatabase(templateUrl: string): Promise<TestDatabase> {
  const named = databaseOf(templateUrl);
  const template = named.startsWith(usualTemplate) ? named : usualTemplate;
  const name = `sentral_test_${randomBytes(6).toString('hex')}`;
  const serverUrl = onDatabase(templateUrl, 'postgres');
  await asAdmin(serverUrl, async (db) => {
    await db.unsafe(`create database ${name} template ${template} strategy file_copy`);
    await db.unsafe(copySettings(template, name));
  });
  const adminUrl = onDatabase(templateUrl, name);
  return {
    adminUrl,
    url(role) {
      const url = new URL(adminUrl);
      url.username = role;
      url.password = rolePassword;
      return url.toString();
    },
    async drop() {
      await asAdmin(serverUrl, (db) => db.unsafe(`drop database if exists ${name} with (force)`));
    },
  };
}

/** What a role has set in a database (its search_path) belongs to the pair of both, and a copy does not take it along. */
function copySettings(template: string, name: string): string {
  return `do $$
    declare found record;
    begin
      for found in
        select r.rolname as role, split_part(c, '=', 1) as setting, substr(c, strpos(c, '=') + 1) as value
        from pg_db_role_setting s
        join pg_database d on d.oid = s.setdatabase
        join pg_roles r on r.oid = s.setrole
        cross join unnest(s.setconfig) as c
        where d.datname = '${template}'
      loop
        execute format('alter role %I in database ${name} set %I = %s', found.role, found.setting, found.value);
      end loop;
    end $$`;
}

function passwordsOf(contexts: readonly ContextMigrations[]): Record<string, string> {
  const logins = contexts.flatMap(({ context, roles = contextRoles }) =>
    roles.map((role) => `${context}_${role.suffix}`),
  );
  return Object.fromEntries(logins.map((login) => [login, rolePassword]));
}

async function asAdmin<T>(url: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase({ url, applicationName: 'sentral-testing', poolSize: 2, statementTimeoutMs: 60_000 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

const databaseOf = (url: string): string => new URL(url).pathname.slice(1);

function onDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}
