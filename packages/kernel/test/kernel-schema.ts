// A context in the small for tests: schema `probe` with the kernel's tables and two audited tables, and the roles of production.
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { bigint, pgSchema, text, uuid } from 'drizzle-orm/pg-core';
import { randomBytes } from 'node:crypto';
import { type Database, type DatabaseOptions, openDatabase } from '../src/database.js';
import { sqlState } from '../src/errors.js';
import { feedDropSql } from '../src/migration-files.js';
import { kernelSql, kernelTables } from '../src/tables.js';
import { inTransaction } from '../src/transaction.js';

export const schema = 'probe';
export const probe = pgSchema(schema);
export const tables = kernelTables(probe);
const things = {
  thing: probe.table('thing', {
    id: uuid('id').primaryKey(),
    name: text('name').notNull(),
    version: bigint('version', { mode: 'number' }).notNull().default(1),
  }),
  gadget: probe.table('gadget', {
    gadgetId: uuid('gadget_id').primaryKey(),
    version: bigint('version', { mode: 'number' }).notNull().default(1),
  }),
};
export const audited = [{ table: 'thing' }, { table: 'gadget', idColumn: 'gadget_id' }];

export interface KernelSchema {
  readonly admin: Database;
  /** Opens another pool as the app role. */
  app(options?: Partial<DatabaseOptions>): Database;
  /** Runs text as the owner, statement by statement, as the migrator does. */
  asOwner(text: string): Promise<void>;
  drop(): Promise<void>;
}

export async function createKernelSchema(postgresUrl: string): Promise<KernelSchema> {
  const name = `kernel_${randomBytes(6).toString('hex')}`;
  const server = openDatabase({ url: postgresUrl, applicationName: 'test', poolSize: 1 });
  for (const [role, login] of [
    ['probe_owner', 'nologin'],
    ['probe_app', "login password 'sentral'"],
  ] as const) {
    try {
      await server.unsafe(`create role ${role} ${login}`);
    } catch (error) {
      // Another test file was quicker.
      if (sqlState(error) !== '42710' && sqlState(error) !== '23505') throw error;
    }
  }
  await server.unsafe(`create database ${name}`);
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  const admin = openDatabase({ url: url.href, applicationName: 'test', poolSize: 3, statementTimeoutMs: 60_000 });
  await admin.unsafe(`create schema ${schema} authorization probe_owner`);
  const asOwner = (migration: string): Promise<void> =>
    inTransaction(admin, async (tx) => {
      await tx.unsafe('set local role probe_owner');
      for (const statement of migration.split('--> statement-breakpoint')) await tx.unsafe(statement);
    });
  await asOwner(`alter default privileges grant select, insert, update, delete on tables to probe_app
    --> statement-breakpoint
    grant usage on schema ${schema} to probe_app`);
  const empty = generateDrizzleJson({});
  const statements = await generateMigration(empty, generateDrizzleJson({ ...tables, ...things }, empty.id));
  await asOwner(statements.join('\n--> statement-breakpoint\n'));
  await asOwner(kernelSql(schema, audited));
  await asOwner(feedDropSql(schema));
  const opened: Database[] = [];
  return {
    admin,
    asOwner,
    app(options = {}) {
      const appUrl = new URL(url);
      appUrl.username = 'probe_app';
      appUrl.password = 'sentral';
      const db = openDatabase({
        url: appUrl.href,
        applicationName: 'test',
        searchPath: [schema],
        poolSize: 10,
        queueLimit: 1000,
        acquireTimeoutMs: 30_000,
        lockTimeoutMs: 10_000,
        statementTimeoutMs: 20_000,
        ...options,
      });
      opened.push(db);
      return db;
    },
    async drop() {
      await Promise.all(opened.map((db) => db.close(1000)));
      await admin.close(1000);
      await server.unsafe(`drop database ${name} with (force)`);
      await server.close(1000);
    },
  };
}
