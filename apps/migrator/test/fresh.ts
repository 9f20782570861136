import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openDatabase, type Database } from '@sentral/kernel/database';
import type { ContextMigrations } from '@sentral/kernel/migrate';
import { inject, onTestFinished } from 'vitest';

const on = (url: string, changes: Partial<Pick<URL, 'username' | 'password' | 'pathname'>>): string =>
  Object.assign(new URL(url), changes).toString();

type Finish = (end: () => Promise<void>) => void;

/** An empty database and the URL of a migrator's login: CREATEROLE and CREATE on the database, nothing else. */
export async function freshDatabase(
  finish: Finish = onTestFinished,
): Promise<{ url: string; adminUrl: string; as(role: string, password: string): string }> {
  const server = inject('postgresUrl');
  const name = `sentral_migrator_${randomBytes(6).toString('hex')}`;
  const login = `migrator_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  const admin = open(server, finish);
  await admin.unsafe(`create role ${login} login createrole password 'sentral'`);
  await admin.unsafe(`create database ${name}`);
  await admin.unsafe(`grant create on database ${name} to ${login}`);
  // Roles are the server's: a login that meets those of an earlier test needs ADMIN on them from PostgreSQL 16 on.
  await admin.unsafe(`do $$ declare r record; begin
    for r in select rolname from pg_roles where rolname ~ '^(tenancy|inventory|task|audit|bus)_(owner|app|read|platform|retention)$'
    loop execute format('grant %I to ${login} with admin option', r.rolname); end loop; end $$`);
  finish(async () => {
    await admin.unsafe(`drop database if exists ${name} with (force)`);
    await admin.close();
  });
  const adminUrl = on(server, { pathname: `/${name}` });
  const as = (role: string, password: string): string => on(adminUrl, { username: role, password });
  return { adminUrl, as, url: as(login, 'sentral') };
}

/** A pool that ends with the test. */
export function open(url: string, finish: Finish = onTestFinished): Database {
  const db = openDatabase({ url, applicationName: 'sentral-test', poolSize: 2, statementTimeoutMs: 60_000 });
  finish(() => db.close(0));
  return db;
}

/** A made-up context with these files; name → SQL, in order. */
export function someContext(
  files: Readonly<Record<string, string>>,
): ContextMigrations & { write(files: Readonly<Record<string, string>>): void } {
  const context = `probe_${randomBytes(4).toString('hex')}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'sentral-migrations-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const write = (given: Readonly<Record<string, string>>): void => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(path.join(folder, 'meta'), { recursive: true });
    const entries = Object.keys(given).map((tag, idx) => ({
      idx,
      version: '7',
      when: 1_000 + idx,
      tag,
      breakpoints: true,
    }));
    writeFileSync(
      path.join(folder, 'meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
    );
    for (const [tag, text] of Object.entries(given))
      writeFileSync(path.join(folder, `${tag}.sql`), text.replaceAll('$ctx', context));
  };
  write(files);
  return { context, folder, write };
}
