import { openDatabase, type Database } from '@sentral/kernel/database';
import { sqlState } from '@sentral/kernel/errors';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../src/template.js';

let one: TestDatabase;
let two: TestDatabase;
const open: Database[] = [];

beforeAll(async () => {
  [one, two] = await Promise.all([
    createTestDatabase(inject('postgresUrl')),
    createTestDatabase(inject('postgresUrl')),
  ]);
});
afterAll(async () => {
  await Promise.all(open.map((db) => db.close()));
  await Promise.all([one.drop(), two.drop()]);
});

function as(database: TestDatabase, role: string): Database {
  const db = openDatabase({ url: database.url(role), applicationName: 'test' });
  open.push(db);
  return db;
}

test('each role of production logs in as itself and finds its schema', async () => {
  const app = as(one, 'sample_app');
  await app.sql`insert into thing (id) values (1)`;
  const [row] = await app.sql`select current_user::text as role, current_schema()::text as schema`;
  expect(row).toEqual({ role: 'sample_app', schema: 'sample' });
});

test('a role has only its own rights', async () => {
  const read = as(one, 'sample_read');
  const refused = await read.sql`insert into thing (id) values (2)`.catch((error: unknown) => error);
  expect(sqlState(refused)).toBe('42501');
});

test('what one test file writes, another does not see', async () => {
  const rows = await as(two, 'sample_app').sql`select id from thing`;
  expect(rows).toEqual([]);
});

test('a dropped database is gone although somebody is still connected', async () => {
  const three = await createTestDatabase(inject('postgresUrl'));
  const db = as(three, 'sample_app');
  await db.sql`select 1`;
  await three.drop();
  await expect(db.sql`select 1`).rejects.toThrow();
});
