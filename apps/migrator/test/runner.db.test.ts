import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureRoles, migrateContext, planOf, statusOf } from '@sentral/kernel/migrate';
import { isRefusal } from '@sentral/kernel/migration-files';
import { inTransaction } from '@sentral/kernel/transaction';
import { expect, test } from 'vitest';
import { freshDatabase, open, someContext } from './fresh.js';

const files = {
  '0000_init': `CREATE SCHEMA "$ctx";\n--> statement-breakpoint\ncreate table $ctx.thing (id integer primary key, name text);`,
  '0001_more': `insert into $ctx.thing values (1, 'one');\n--> statement-breakpoint\ncreate function $ctx.one() returns int language sql as 'select 1';`,
  '0002_alone': `-- no transaction\ncreate index concurrently if not exists thing_name on $ctx.thing (name);`,
};

async function migrated() {
  const context = someContext(files);
  const { url, adminUrl, as } = await freshDatabase();
  const db = open(url);
  await ensureRoles(db, [context], { [`${context.context}_app`]: 'pass:word' });
  await migrateContext(db, context);
  return { context, db, adminUrl, as };
}

test('ten runs at once apply each migration once, and all ten succeed', async () => {
  const context = someContext(files);
  const { url } = await freshDatabase();
  const pools = Array.from({ length: 10 }, () => open(url));
  await Promise.all(pools.map((db) => ensureRoles(db, [context], { [`${context.context}_app`]: 'x' })));
  // From here on all ten hold a connection, so they really begin together.
  const runs = await Promise.all(pools.map((db) => migrateContext(db, context)));
  expect(runs.flat().toSorted()).toEqual(Object.keys(files));
  const status = await statusOf(open(url), context);
  expect(status).toEqual({ context: context.context, applied: Object.keys(files), pending: [] });
});

test('roles made at once from ten databases of one server are made once', async () => {
  const context = someContext(files);
  const places = await Promise.all(Array.from({ length: 10 }, freshDatabase));
  await Promise.all(
    places.map(({ adminUrl }) => ensureRoles(open(adminUrl), [context], { [`${context.context}_app`]: 'x' })),
  );
  const roles = await open(places[0]?.adminUrl ?? '').unsafe(
    `select rolname as name, rolcanlogin as login from pg_roles where rolname like '${context.context}%' order by 1`,
  );
  expect(roles.map((role) => [String(role['name']).slice(context.context.length), role['login']])).toEqual([
    ['_app', true],
    ['_owner', false],
    ['_platform', true],
    ['_read', true],
  ]);
});

test('a login writes rows with its password, and neither makes tables nor touches the journal', async () => {
  const { context, as } = await migrated();
  const app = open(as(`${context.context}_app`, 'pass:word'));
  expect(await app.unsafe('select name, one() from thing')).toEqual([{ name: 'one', one: 1 }]);
  await expect(app.unsafe('create table mine ()')).rejects.toThrow();
  await expect(app.unsafe(`update migration set hash = ''`)).rejects.toThrow();
  await expect(app.unsafe(`set local role ${context.context}_owner`)).rejects.toThrow();
});

test('an applied migration that was edited is refused, and nothing runs', async () => {
  const { context, db } = await migrated();
  context.write({
    ...files,
    '0001_more': `${files['0001_more']}\n-- a word`,
    '0003_next': 'create table $ctx.next ();',
  });
  expect((await statusOf(db, context)).refusal).toMatch(/0001_more was changed after it was applied/);
  await expect(migrateContext(db, context)).rejects.toSatisfy(isRefusal);
  expect(await db.unsafe(`select to_regclass('${context.context}.next') as next`)).toEqual([{ next: null }]);
});

test('a schema that is newer than the release is refused', async () => {
  const { context, db } = await migrated();
  context.write({ '0000_init': files['0000_init'] });
  expect((await statusOf(db, context)).refusal).toMatch(/newer than this release/);
  await expect(migrateContext(db, context)).rejects.toSatisfy(isRefusal);
});

test('a migration merged in below an applied one is refused', async () => {
  const { context, db } = await migrated();
  context.write({ '0000_init': files['0000_init'], '0001_late': 'select 1;', '0002_more': files['0001_more'] });
  await expect(migrateContext(db, context)).rejects.toSatisfy(isRefusal);
});

test('a row missing from the journal of the database is refused', async () => {
  const { context, db, adminUrl } = await migrated();
  await open(adminUrl).unsafe(`delete from ${context.context}.migration where number = 1`);
  expect((await statusOf(db, context)).refusal).toMatch(/lacks 0001_more but has 0002_alone/);
  await expect(migrateContext(db, context)).rejects.toSatisfy(isRefusal);
});

test('numbers with a gap and files outside the journal are refused before the database is asked', async () => {
  const { context, db } = await migrated();
  writeFileSync(path.join(context.folder, '0003_forgotten.sql'), 'select 1;');
  await expect(migrateContext(db, context)).rejects.toThrow(/0003_forgotten.sql is not in/);
  context.write({ ...files, '0004_leap': 'select 1;' });
  await expect(migrateContext(db, context)).rejects.toThrow(/a gap or a wrong order/);
});

test('a failing statement takes its whole migration back, and says which one it was', async () => {
  const { context, db } = await migrated();
  context.write({ ...files, '0003_bad': 'create table $ctx.half ();\n--> statement-breakpoint\nselect 1/0;' });
  await expect(migrateContext(db, context)).rejects.toThrow(
    /0003_bad failed \(22012\): division by zero\nin: select 1\/0/,
  );
  expect(await db.unsafe(`select to_regclass('${context.context}.half') as half`)).toEqual([{ half: null }]);
  expect((await planOf(db, context)).map((each) => each.tag)).toEqual(['0003_bad']);
});

test('DDL on a busy table gives up after 150 ms, lets the others through, and comes back', async () => {
  const { context, db, adminUrl } = await migrated();
  context.write({ ...files, '0003_column': 'alter table $ctx.thing add column note text;' });
  const lines: string[] = [];
  let locked = (): void => undefined;
  const whenLocked = new Promise<void>((resolve) => (locked = resolve));
  const holding = inTransaction(open(adminUrl), async (tx) => {
    await tx.unsafe(`lock table ${context.context}.thing in access share mode`);
    locked();
    await sleep(900);
  });
  await whenLocked;
  await Promise.all([holding, migrateContext(db, context, { log: (line) => lines.push(line) })]);
  expect(lines.some((line) => line.includes('a table was busy'))).toBe(true);
  expect((await statusOf(db, context)).pending).toEqual([]);
});
