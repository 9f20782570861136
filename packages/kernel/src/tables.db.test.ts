import { getTableConfig } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { audited, createKernelSchema, type KernelSchema, schema, tables } from '../test/kernel-schema.js';
import type { Database, Tx } from './database.js';
import { constraintName } from './errors.js';
import { record } from './feed.js';
import { newId } from './id.js';
import { kernelSql } from './tables.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  db = context.app();
});
afterAll(() => context.drop());

const note = (tx: Tx, id: string, version: number): Promise<void> =>
  record(tx, schema, {
    type: 'probe.thing.changed',
    resource: { type: 'probe.thing', id, version },
    event: { v: version },
    audit: null,
  });

async function madeThing(): Promise<string> {
  const id = newId();
  await inTransaction(db, async (tx) => {
    await tx.sql`insert into thing (id, name) values (${id}, 'first')`;
    await note(tx, id, 1);
  });
  return id;
}

const refusalOf = (work: (tx: Tx) => Promise<unknown>): Promise<string | undefined> =>
  inTransaction(db, work).then(
    () => 'committed',
    (error: unknown) => constraintName(error) ?? String(error),
  );

test('a change without its feed row is refused at commit, insert, update and delete alike', async () => {
  const id = await madeThing();
  expect(await refusalOf((tx) => tx.sql`insert into thing (id, name) values (${newId()}, 'silent')`)).toBe(
    'change_has_feed_row',
  );
  expect(await refusalOf((tx) => tx.sql`update thing set name = 'silent', version = 2 where id = ${id}`)).toBe(
    'change_has_feed_row',
  );
  expect(await refusalOf((tx) => tx.sql`delete from thing where id = ${id}`)).toBe('change_has_feed_row');
  expect(await refusalOf((tx) => tx.sql`insert into gadget (gadget_id) values (${newId()})`)).toBe(
    'change_has_feed_row',
  );
  expect(await db.sql`select name, version from thing where id = ${id}`).toEqual([{ name: 'first', version: 1 }]);
});

test('a change with its feed row commits, and a delete is the version after the last', async () => {
  const id = await madeThing();
  expect(
    await refusalOf(async (tx) => {
      await tx.sql`update thing set name = 'second', version = 2 where id = ${id}`;
      await tx.sql`update thing set name = 'third', version = 3 where id = ${id}`;
      await note(tx, id, 2);
      await note(tx, id, 3);
    }),
  ).toBe('committed');
  expect(
    await refusalOf(async (tx) => {
      await tx.sql`delete from thing where id = ${id}`;
      await note(tx, id, 3);
    }),
  ).toMatch(/change_once/);
  expect(
    await refusalOf(async (tx) => {
      await tx.sql`delete from thing where id = ${id}`;
      await note(tx, id, 4);
    }),
  ).toBe('committed');
});

test('the feed row must be of this very version and of this very transaction', async () => {
  const id = await madeThing();
  expect(
    await refusalOf(async (tx) => {
      await tx.sql`update thing set version = 2 where id = ${id}`;
      await note(tx, id, 7);
    }),
  ).toBe('change_has_feed_row');
  // Another transaction's row for the same version does not count, not even one of the same microsecond.
  expect(
    await refusalOf(async (tx) => {
      const [row] = await tx.sql`select now()::text as at`;
      await context.admin.unsafe(
        `insert into probe.feed (id, type, resource_type, resource_id, resource_version, recorded_at)
         values ($1, 'probe.thing.changed', 'probe.thing', $2, 2, $3::text::timestamptz)`,
        [newId(), id, row?.['at']],
      );
      await tx.sql`update thing set version = 2 where id = ${id}`;
    }),
  ).toBe('change_has_feed_row');
});

test('a version moves by exactly one and an id never', async () => {
  const id = await madeThing();
  for (const change of [
    (tx: Tx) => tx.sql`update thing set name = 'same version' where id = ${id}`,
    (tx: Tx) => tx.sql`update thing set version = 3 where id = ${id}`,
    (tx: Tx) => tx.sql`update thing set version = 0 where id = ${id}`,
    (tx: Tx) => tx.sql`update thing set version = 2, id = ${newId()} where id = ${id}`,
  ]) {
    expect(await refusalOf(change)).toBe('version_moves_by_one');
  }
});

test('a savepoint that is rolled back takes the change and its duty along', async () => {
  const id = await madeThing();
  await inTransaction(db, async (tx) => {
    await tx
      .savepoint(async () => {
        await tx.sql`update thing set version = 2 where id = ${id}`;
        throw new Error('never mind');
      })
      .catch(() => undefined);
    await tx.savepoint(async () => {
      await tx.sql`update thing set name = 'kept', version = 2 where id = ${id}`;
      await note(tx, id, 2);
    });
  });
  expect(await db.sql`select name, version from thing where id = ${id}`).toEqual([{ name: 'kept', version: 2 }]);
});

test('a dry run is judged by the guard and leaves nothing', async () => {
  const id = newId();
  const dry = (withRow: boolean): Promise<unknown> =>
    inTransaction(
      db,
      async (tx) => {
        await tx.sql`insert into thing (id, name) values (${id}, 'dry')`;
        if (withRow) await note(tx, id, 1);
      },
      { rollback: true },
    );
  await dry(true);
  await expect(dry(false)).rejects.toSatisfy((error) => constraintName(error) === 'change_has_feed_row');
  expect(await db.sql`select 1 from feed where resource_id = ${id}`).toEqual([]);
});

test('the partitioned feed has the columns that the drizzle table declares', async () => {
  const declared = getTableConfig(tables.feed)
    .columns.map((c) => [c.name, c.getSQLType(), c.notNull])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  const real = await context.admin.unsafe(
    `select attname, format_type(atttypid, atttypmod) as type, attnotnull from pg_attribute where attrelid = 'probe.feed'::regclass and attnum > 0 order by attname`,
  );
  const same = (type: unknown): unknown => (type === 'timestamp with time zone' ? 'timestamptz' : type);
  expect(real.map((c) => [c['attname'], same(c['type']), c['attnotnull']])).toEqual(
    declared.map(([n, t, nn]) => [n, same(t), nn]),
  );
  const names = await context.admin.unsafe(
    `select conname from pg_constraint where conrelid = 'probe.feed'::regclass and contype in ('p','c') order by 1`,
  );
  expect(names.map((row) => row['conname'])).toEqual(['feed_key', 'feed_version_counts']);
});

test('the migration text can run again and changes nothing', async () => {
  await madeThing();
  const dump = (): Promise<unknown> =>
    context.admin.unsafe(
      `select (select count(*) from probe.feed) as rows, array_agg(relname::text order by relname) as names from pg_class where relnamespace = 'probe'::regnamespace`,
    );
  const before = await dump();
  await context.asOwner(kernelSql(schema, audited));
  expect(await dump()).toEqual(before);
  expect(kernelSql(schema, audited)).toBe(kernelSql(schema, audited));
});

test('the app role makes future partitions through the function and by no other way', async () => {
  await expect(db.unsafe('create table probe.mine (id int)')).rejects.toThrow();
  await expect(db.unsafe('drop table probe.feed_default')).rejects.toThrow();
  const [made] = await db.unsafe('select probe.feed_make_partitions(6) as n');
  expect(made?.['n']).toBe(3);
  expect(await db.unsafe('select probe.feed_make_partitions(6) as n')).toEqual([{ n: 0 }]);
  await expect(db.unsafe('select probe.feed_make_partitions(31)')).rejects.toThrow();
});

test('rows that fell into the default partition move to their day when it is made', async () => {
  // A day whose partition is missing, as after a long stop: its rows are written with the clock of that day.
  const id = newId();
  await context.admin.unsafe(
    `insert into probe.feed (id, type, resource_type, resource_id, resource_version, recorded_at)
    values ($1, 'probe.thing.changed', 'probe.thing', $1, 1, now() + interval '9 days')`,
    [id],
  );
  const where = () => db.unsafe('select tableoid::regclass::text as part, seq from feed where id = $1', [id]);
  const [before] = await where();
  expect(before?.['part']).toBe('feed_default');
  await db.unsafe('select probe.feed_make_partitions(10)');
  const [after] = await where();
  expect(after?.['part']).toMatch(/^feed_p\d{8}$/);
  expect(after?.['seq']).toBe(before?.['seq']);
});

test('the guard reads one partition only, however many days are kept', async () => {
  await db.unsafe('select probe.feed_make_partitions(20)');
  const single = context.app({ poolSize: 1 });
  const change = (id: string): Promise<readonly unknown[]> =>
    inTransaction(single, async (tx) => {
      await tx.sql`insert into thing (id, name) values (${id}, 'x')`;
      await note(tx, id, 1);
      await tx.unsafe('set constraints all immediate');
      const rows = await tx.unsafe(
        `select distinct relation::regclass::text as name from pg_locks
         where pid = pg_backend_pid() and locktype = 'relation' and relation::regclass::text ~ '^feed_p[0-9]+$'`,
      );
      return rows.map((row) => row['name']);
    });
  // Often enough that PostgreSQL would have gone over to a generic plan, which locks every partition.
  let locked: readonly unknown[] = [];
  for (let n = 0; n < 12; n += 1) locked = await change(newId());
  expect(locked).toHaveLength(1);
});

test('a day of the feed goes when it is a week old, published and confirmed whole, and never before one that is older', async () => {
  const feed = (text: string) => context.admin.unsafe(text);
  const days = async () =>
    (await feed(`select relname from pg_class where relname ~ '^feed_p\\d{8}$' order by 1`)).map((row) =>
      String(row['relname']),
    );
  const drop = async (confirmed: number) =>
    (await db.unsafe(`select feed_drop_confirmed(${confirmed}) as n`))[0]?.['n'];
  await context.asOwner(`do $do$ declare day date; part text; begin
    for day in select current_date - n from generate_series(7, 10) n loop
      part := 'feed_p' || to_char(day, 'YYYYMMDD');
      execute format('create table probe.%I partition of probe.feed for values from (%L) to (%L)', part, day::timestamptz at time zone 'UTC', (day + 1)::timestamptz at time zone 'UTC');
    end loop; end $do$`);
  const old = (await days()).slice(0, 4);
  const row = (day: number, pos: number) =>
    feed(`insert into probe.feed (id, pos, recorded_at, type, resource_type, resource_id, resource_version, event)
      values (gen_random_uuid(), ${pos}, (current_date - ${day})::timestamptz + interval '12 hours', 't', 'r', gen_random_uuid(), 1, null)`);
  for (const [day, pos] of [
    [10, 1],
    [10, 2],
    [9, 3],
    [8, 4],
    [7, 5],
  ] as const)
    await row(day, pos);
  const published = (pos: number) =>
    feed(
      `insert into probe.lease (name, position) values ('feed.publish', ${pos}) on conflict (name) do update set position = ${pos}`,
    );
  await published(9);
  expect(await drop(0)).toBe(0);
  expect(await drop(1)).toBe(0);
  expect(await drop(3)).toBe(2);
  await published(3);
  expect(await drop(9)).toBe(0);
  await published(9);
  expect(await drop(9)).toBe(1);
  // Seven days are kept, whatever is confirmed.
  expect((await days()).slice(0, 1)).toEqual(old.slice(3));
  expect(await drop(9)).toBe(0);
});
