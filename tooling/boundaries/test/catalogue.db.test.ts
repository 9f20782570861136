import { openDatabase, type Database } from '@sentral/kernel/database';
import { sqlState } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import * as catalogue from '../src/catalogue.js';

let database: TestDatabase;
let admin: Database;

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  admin = openDatabase({ url: database.adminUrl, applicationName: 'boundaries', statementTimeoutMs: 60_000 });
});
afterAll(async () => {
  await admin.close();
  await database.drop();
});

type Check = (db: catalogue.Catalogue) => Promise<string[]>;

const checks: { title: string; check: Check; plants: [title: string, ...statements: string[]][] }[] = [
  {
    title: 'no foreign key crosses schemas',
    check: catalogue.crossingForeignKeys,
    plants: [
      [
        'a foreign key',
        'create table task.plant (id uuid primary key)',
        'create table audit.plant (id uuid references task.plant)',
      ],
    ],
  },
  {
    title: 'nothing depends on another schema',
    check: catalogue.crossingDependencies,
    plants: [
      ['a view', 'create table task.plant (id uuid)', 'create view audit.plant as select id from task.plant'],
      [
        'a view in public',
        'create table task.plant (id uuid)',
        'create view public.plant as select id from task.plant',
      ],
      [
        'a function by its type',
        'create table task.plant (id uuid)',
        'create function audit.plant(task.plant) returns int language sql as $$ select 1 $$',
      ],
      ['inheritance', 'create table task.plant (id uuid)', 'create table audit.plant () inherits (task.plant)'],
      [
        'a foreign key',
        'create table task.plant (id uuid primary key)',
        'create table audit.plant (id uuid references task.plant)',
      ],
      [
        'a trigger',
        'create function task.plant() returns trigger language plpgsql as $$ begin return new; end $$',
        'create table audit.plant (id uuid)',
        'create trigger plant before insert on audit.plant for each row execute function task.plant()',
      ],
      ['a default', 'create sequence task.plant', `create table audit.plant (id bigint default nextval('task.plant'))`],
    ],
  },
  {
    title: 'no function reaches into another schema by its text or its path',
    check: catalogue.looseFunctions,
    plants: [
      [
        'by its text',
        `create function audit.plant() returns int language plpgsql as $$ begin return (select count(*) from task.task); end $$`,
      ],
      [
        'by its path',
        'create function audit.plant() returns int language plpgsql set search_path = audit, task as $$ begin return 1; end $$',
      ],
      [
        'without a path',
        'create function audit.plant() returns int language plpgsql security definer as $$ begin return 1; end $$',
      ],
    ],
  },
  {
    title: 'the privilege matrix is diagonal',
    check: catalogue.rightsOffTheDiagonal,
    plants: [
      ['usage of a schema', 'grant usage on schema task to audit_app'],
      ['a table', 'create table task.plant (id uuid)', 'grant select on task.plant to inventory_read'],
      ['a column', 'create table task.plant (id uuid)', 'grant select (id) on task.plant to inventory_read'],
      ['a table of everybody', 'create table task.plant (id uuid)', 'grant select on task.plant to public'],
      [
        'a function',
        'create function task.plant() returns int language sql as $$ select 1 $$',
        'grant execute on function task.plant() to audit_app',
      ],
      ['a sequence', 'create sequence task.plant', 'grant usage on sequence task.plant to audit_app'],
      ['membership', 'grant task_owner to audit_app'],
      ['a power', 'alter role audit_read bypassrls'],
      ['a login that owns', 'create table audit.plant (id uuid)', 'alter table audit.plant owner to audit_app'],
      [
        'the database',
        'do $$ begin execute format($f$grant create on database %I to audit_app$f$, current_database()); end $$',
      ],
    ],
  },
  {
    title: 'each role can use its own schema, and readers only read',
    check: catalogue.rightsMissing,
    plants: [
      ['a role shut out', 'revoke usage on schema task from task_app'],
      ['a reader that writes', 'create table task.plant (id uuid)', 'grant insert on task.plant to task_read'],
    ],
  },
];

describe.each(checks)('$title', ({ check, plants }) => {
  test('in the migrated database', async () => {
    expect(await check(admin)).toEqual([]);
  });

  test.each(plants)('and is seen to be broken: %s', async (_title, ...statements) => {
    const plant = inTransaction(
      admin,
      async (tx) => {
        for (const statement of statements) await tx.unsafe(statement);
        return check(tx);
      },
      { rollback: true },
    );
    expect(await plant).not.toEqual([]);
  });
});

test('the catalogue that is judged holds all contexts', async () => {
  const found = await admin.unsafe(
    `select n.nspname as schema, count(*)::int as tables from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') group by 1`,
  );
  const tables = new Map(found.map((row) => [String(row['schema']), Number(row['tables'])]));
  for (const schema of catalogue.walled)
    expect([schema, tables.get(schema) ?? 0]).toEqual([schema, expect.any(Number)]);
  for (const schema of catalogue.walled) expect(tables.get(schema) ?? 0, schema).toBeGreaterThan(0);
});

test('a context that asks for the table of another is refused by PostgreSQL', async () => {
  for (const role of ['tenancy_app', 'inventory_app', 'inventory_platform', 'task_app', 'audit_app']) {
    const db = openDatabase({ url: database.url(role), applicationName: role });
    for (const schema of catalogue.walled.filter((name) => !role.startsWith(name))) {
      const table = schema === 'bus' ? undefined : `${schema}.feed`;
      if (!table) continue;
      const refused = await db.unsafe(`select 1 from ${table} limit 1`).catch((error: unknown) => error);
      expect([role, table, sqlState(refused)]).toEqual([role, table, '42501']);
    }
    await db.close();
  }
});
