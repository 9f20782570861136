import { integer, jsonb, pgTable, text, timestamp, bigint as pgBigint } from 'drizzle-orm/pg-core';
import { eq, sql as dsql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { json, openDatabase, type Database } from '../src/database.js';
import { constraintName, faultCode, isCommitUnknown, sqlState, toProblem } from '../src/errors.js';
import type { Connection } from '../src/connection.js';
import { control } from '../src/sql.js';
import { inTransaction, pools } from '../src/transaction.js';
import { problem } from '@sentral/contracts/problem';

const url = inject('postgresUrl');
const schema = `kernel_database_${process.pid}`;
let db: Database;

beforeAll(async () => {
  const admin = openDatabase({ url, applicationName: 'test-admin', poolSize: 1 });
  await admin.unsafe(`create schema ${schema}`);
  await admin.unsafe(`create table ${schema}.thing (
    id int constraint thing_id_unique primary key, name text not null, at timestamptz, big bigint, open jsonb,
    twin int constraint thing_twin_known references ${schema}.thing (id) deferrable initially deferred)`);
  await admin.close();
  db = openDatabase({ url, applicationName: 'test', searchPath: [schema, 'extensions'], poolSize: 4 });
});
afterAll(async () => {
  await db.unsafe(`drop schema ${schema} cascade`);
  await db.close();
});

const thing = pgTable('thing', {
  id: integer('id').primaryKey(),
  name: text('name').notNull(),
  at: timestamp('at', { withTimezone: true }),
  big: pgBigint('big', { mode: 'number' }),
  open: jsonb('open'),
});
const names = async (like: string): Promise<unknown[]> =>
  (await db.sql`select name from thing where name like ${like} order by id`).map((row) => row['name']);

describe('values come back as what they are', () => {
  it('reads instants, numbers, documents, lists and text as PostgreSQL prints it', async () => {
    const [row] = await db.sql`select
      '2026-01-02T03:04:05.678Z'::timestamptz as at, 9007199254740991::bigint as big, 1.50::numeric as exact, true as yes,
      '{"a":[1,null]}'::jsonb as doc, 'null'::jsonb as "docNull", null::jsonb as missing, '10.0.0.1/8'::inet as address,
      int4range(1, 5) as range, array[1,2]::int8[] as bigs, array['a,"b"','c\\d',null,'NULL','']::text[] as texts,
      '{{1,2},{3,4}}'::int[] as nested, '\\x00ff'::bytea as bytes, '2026-01-02'::date as day, '{}'::text[] as none,
      array['{"a": 1}'::jsonb] as docs, array[true,false] as flags`;
    expect(row).toEqual({
      at: new Date('2026-01-02T03:04:05.678Z'), big: 9007199254740991, exact: '1.50', yes: true,
      doc: { a: [1, null] }, docNull: null, missing: null, address: '10.0.0.1/8', range: '[1,5)', bigs: [1, 2],
      texts: ['a,"b"', 'c\\d', null, 'NULL', ''], nested: [[1, 2], [3, 4]], bytes: Buffer.from([0, 255]),
      day: '2026-01-02', none: [], docs: [{ a: 1 }], flags: [true, false],
    }); // prettier-ignore
  });

  it('takes each kind of parameter, and gives it back unchanged', async () => {
    const at = new Date();
    const [row] =
      await db.sql`select ${at}::timestamptz as at, ${true}::bool as yes, ${'true'}::bool as "yesText", ${5}::int as n,
      ${2n ** 62n}::text as big, ${['a"b', 'c\\', 'NULL', null, '{}']}::text[] as texts, ${[1, 2]}::int[] as ns, ${null}::text as nothing,
      ${json({ a: 'x' })} as doc, ${json([1])}::jsonb -> 0 as first, ${[at]}::timestamptz[] as ats, ${Buffer.from([1, 254])}::bytea as bytes,
      ${'2026-01-02T03:04:05.123456Z'}::timestamptz::text as micros, 7 = any(${[6, 7]}) as member`;
    expect(row).toEqual({
      at, yes: true, yesText: true, n: 5, big: String(2n ** 62n), texts: ['a"b', 'c\\', 'NULL', null, '{}'], ns: [1, 2],
      nothing: null, doc: { a: 'x' }, first: 1, ats: [at], bytes: Buffer.from([1, 254]),
      micros: '2026-01-02 03:04:05.123456+00', member: true,
    }); // prettier-ignore
  });

  it('refuses what would be changed on the way', async () => {
    await expect(db.sql`select 9007199254740993::bigint as big`).rejects.toThrow('does not fit');
    await expect(db.sql`select 'infinity'::timestamptz as at`).rejects.toThrow('not an instant');
    await expect(db.sql`select ${undefined}::int`).rejects.toThrow('undefined');
    await expect(db.sql`select ${{ a: 1 }}::jsonb`).rejects.toThrow('json(x)');
    await expect(db.sql`select ${new Date('x')}::timestamptz`).rejects.toThrow('invalid Date');
    expect(() => json(undefined)).toThrow();
    expect((await db.sql`select 1 as one`)[0]).toEqual({ one: 1 });
  });

  it('says how many rows were touched', async () => {
    expect((await db.sql`insert into thing (id, name) values (1000, 'count'), (1001, 'count')`).count).toBe(2);
    expect((await db.sql`delete from thing where name = 'count'`).count).toBe(2);
  });

  it('does not grow by the errors it met', async () => {
    const failing = Array.from({ length: 40 }, (_, i) => db.unsafe(`select ${i} / $1::int as x`, [0]));
    const answers = await Promise.allSettled(failing);
    expect(answers.every((a) => a.status === 'rejected' && sqlState(a.reason) === '22012')).toBe(true);
  });
});

describe('drizzle', () => {
  it('stands on the same connections with its own mapping', async () => {
    const at = new Date('2026-05-05T05:05:05.005Z');
    for (const [i, open] of [{ a: 1 }, '5', 'text', null, [1], 7].entries()) {
      await db.drizzle.insert(thing).values({ id: 2000 + i, name: 'drizzle', at, big: 2 ** 50, open });
    }
    const rows = await db.drizzle.select().from(thing).where(eq(thing.name, 'drizzle')).orderBy(thing.id);
    expect(rows.map((r) => r.open)).toEqual([{ a: 1 }, '5', 'text', null, [1], 7]);
    expect(rows[0]).toEqual({ id: 2000, name: 'drizzle', at, big: 2 ** 50, open: { a: 1 } });
    const [n] = await db.drizzle
      .select({ n: dsql<number>`count(*)`, l: dsql<string[]>`array_agg(distinct ${thing.name})` })
      .from(thing)
      .where(eq(thing.name, 'drizzle'));
    expect(n).toEqual({ n: 6, l: ['drizzle'] });
    const raw = await db.drizzle.execute(dsql`select at, open from thing where id = 2000`);
    expect(raw[0]).toEqual({ at, open: { a: 1 } });
  });

  it('is part of the transaction that it was taken from, and its errors are known through its wrapper', async () => {
    const error = await inTransaction(db, async (tx) => {
      await tx.drizzle.insert(thing).values({ id: 2100, name: 'half' });
      await tx.sql`insert into thing (id, name) values (2101, 'half')`;
      await tx.drizzle.insert(thing).values({ id: 2100, name: 'half' });
    }).catch((e: unknown) => e);
    expect(sqlState(error)).toBe('23505');
    expect(constraintName(error)).toBe('thing_id_unique');
    expect(toProblem(error, { thing_id_unique: () => problem('already-exists', { field: 'id' }) })).toMatchObject({
      code: 'already-exists',
    });
    expect(toProblem(error, {})).toBeUndefined();
    expect(await names('half')).toEqual([]);
  });

  it('begins transactions and savepoints through ours', async () => {
    await db.drizzle.transaction(async (tx) => {
      await tx.insert(thing).values({ id: 2200, name: 'nested' });
      await tx.transaction(async (inner) => {
        await inner.insert(thing).values({ id: 2201, name: 'nested' });
        throw new Error('not this one');
      }).catch(() => undefined);
    }, { isolationLevel: 'repeatable read' }); // prettier-ignore
    expect(await names('nested')).toEqual(['nested']);
  });
});

describe('a transaction', () => {
  it('commits what it did, and nothing of what threw', async () => {
    expect(
      await inTransaction(
        db,
        async (tx) => (await tx.sql`insert into thing (id, name) values (1, 'kept') returning id`)[0],
      ),
    ).toEqual({ id: 1 });
    await expect(inTransaction(db, async (tx) => {
      await tx.sql`insert into thing (id, name) values (2, 'gone')`;
      throw new Error('changed my mind');
    })).rejects.toThrow('changed my mind'); // prettier-ignore
    expect(await names('%')).not.toContain('gone');
  });

  it('throws the error that its callback swallowed', async () => {
    const work = inTransaction(db, async (tx) => {
      await tx.sql`insert into thing (id, name) values (10, 'swallowed')`;
      await tx.sql`insert into thing (id, name) values (10, 'swallowed')`.catch(() => undefined);
      return 'fine';
    });
    expect(sqlState(await work.catch((e: unknown) => e))).toBe('23505');
    expect(await names('swallowed')).toEqual([]);
  });

  it('throws the error of a statement that nobody awaited', async () => {
    const work = inTransaction(db, async (tx) => {
      void tx.sql`select 1 / 0`;
      void tx.drizzle.execute(dsql`select 1`).catch(() => undefined);
      return Promise.resolve('fine');
    });
    expect(sqlState(await work.catch((e: unknown) => e))).toBe('22012');
  });

  it('accepts nothing after its end', async () => {
    let kept: { sql: Database['sql'] } | undefined;
    await inTransaction(db, async (tx) => void (kept = tx));
    expect(faultCode(await kept!.sql`insert into thing (id, name) values (11, 'late')`.catch((e: unknown) => e))).toBe(
      'TRANSACTION_ENDED',
    );
    expect(await names('late')).toEqual([]);
  });

  it('puts statements given at once on the wire in their order', async () => {
    const got = await inTransaction(db, (tx) =>
      Promise.all(
        Array.from(
          { length: 20 },
          (_, i) => tx.sql`insert into thing (id, name) values (${100 + i}, 'order') returning id`,
        ),
      ),
    );
    expect(got.map(([row]) => row?.['id'])).toEqual(Array.from({ length: 20 }, (_, i) => 100 + i));
  });

  it('tells all that was given after a failed one its error, and nothing of it stays', async () => {
    const told: unknown[] = [];
    const failed = inTransaction(db, async (tx) => {
      const given = ['1', '2', 'x', '4', '5'].map((text, i) =>
        tx.unsafe(`insert into thing (id, name) values (${130 + i}, 'after' || $1::int) returning id`, [text]),
      );
      for (const each of await Promise.allSettled(given))
        told.push(each.status === 'rejected' ? sqlState(each.reason) : each.value[0]?.['id']);
    });
    expect(sqlState(await failed.catch((e: unknown) => e))).toBe('22P02');
    expect(told).toEqual([130, 131, '22P02', '22P02', '22P02']);
    expect(await names('after%')).toEqual([]);
    expect((await db.sql`select 1 as one`)[0]).toEqual({ one: 1 });
  });

  it('is lost as a whole when the connection goes among many', async () => {
    const lost = inTransaction(db, (tx) =>
      Promise.all([
        tx.sql`insert into thing (id, name) values (140, 'among')`,
        tx.sql`select pg_terminate_backend(pg_backend_pid())`,
        tx.sql`insert into thing (id, name) values (141, 'among')`,
      ]),
    ).catch((e: unknown) => e);
    expect(isCommitUnknown(await lost)).toBe(false);
    expect(await names('among')).toEqual([]);
    expect(db.health().busy).toBe(0);
  });

  it('sets its isolation and settings, and only for itself', async () => {
    const seen = await inTransaction(db, async (tx) =>
      (await tx.sql`select current_setting('transaction_isolation') as i, current_setting('sentral.tenant') as t, current_setting('statement_timeout') as s`)[0],
    { isolation: 'serializable', settings: { 'sentral.tenant': `it's \\ "x"`, statement_timeout: '9s' } }); // prettier-ignore
    expect(seen).toEqual({ i: 'serializable', t: `it's \\ "x"`, s: '9s' });
    const after = await Promise.all(
      Array.from({ length: 8 }, () => db.sql`select coalesce(current_setting('sentral.tenant', true), '') as t`),
    );
    expect(after.every(([row]) => row?.['t'] === '')).toBe(true);
  });

  it('undoes a savepoint alone, also when its error was swallowed inside', async () => {
    const seen: unknown[] = [];
    await inTransaction(db, async (tx) => {
      await tx.sql`insert into thing (id, name) values (20, 'sp')`;
      await tx.savepoint(async () => {
        await tx.sql`insert into thing (id, name) values (21, 'sp')`;
        await tx.sql`select 1 / 0`.catch(() => undefined);
      }).catch((e: unknown) => seen.push(sqlState(e)));
      await tx.savepoint(() => tx.savepoint(() => tx.sql`insert into thing (id, name) values (22, 'sp2')`));
    }); // prettier-ignore
    expect(seen).toEqual(['22012']);
    expect(await names('sp%')).toEqual(['sp', 'sp2']);
  });

  it('refuses savepoints that run beside each other', async () => {
    const error = await inTransaction(db, (tx) =>
      Promise.all([
        tx.savepoint(async () => (await tx.sql`select pg_sleep(0.01)`, await tx.sql`select 1`)),
        tx.savepoint(() => tx.sql`insert into thing (id, name) values (23, 'beside')`),
      ]),
    ).catch((e: unknown) => e);
    expect(faultCode(error)).toBe('TRANSACTION_ENDED');
    expect(await names('beside')).toEqual([]);
  });

  it('judges deferred constraints in a dry run, returns the result, and leaves nothing', async () => {
    expect(
      await inTransaction(
        db,
        async (tx) => (await tx.sql`insert into thing (id, name) values (30, 'dry') returning name`)[0],
        { rollback: true },
      ),
    ).toEqual({ name: 'dry' });
    expect(await names('dry')).toEqual([]);
    const bad = inTransaction(db, (tx) => tx.sql`insert into thing (id, name, twin) values (31, 'dry', 99999)`, {
      rollback: true,
    });
    expect(constraintName(await bad.catch((e: unknown) => e))).toBe('thing_twin_known');
  });

  it('tells a refusal at COMMIT by its constraint, and it is not unknown', async () => {
    const error = await inTransaction(
      db,
      (tx) => tx.sql`insert into thing (id, name, twin) values (32, 'deferred', 99999)`,
    ).catch((e: unknown) => e);
    expect(constraintName(error)).toBe('thing_twin_known');
    expect(isCommitUnknown(error)).toBe(false);
    expect(db.health().busy).toBe(0);
  });

  it('runs again after a serialization failure, at most three times more', async () => {
    let runs = 0;
    await db.sql`insert into thing (id, name, big) values (40, 'counter', 0)`;
    await Promise.all([1, 2, 3].map(() => inTransaction(db, async (tx) => {
      runs += 1;
      const [row] = await tx.sql<{ big: number }>`select big from thing where id = 40`;
      await tx.sql`update thing set big = ${row!.big + 1} where id = 40`;
    }, { isolation: 'serializable' }))); // prettier-ignore
    expect((await db.sql`select big from thing where id = 40`)[0]).toEqual({ big: 3 });
    expect(runs).toBeGreaterThan(3);
    let tries = 0;
    const hopeless = inTransaction(
      db,
      (tx) => ((tries += 1), tx.unsafe(`do $$ begin raise exception using errcode = '40P01'; end $$`)),
    );
    expect(sqlState(await hopeless.catch((e: unknown) => e))).toBe('40P01');
    expect(tries).toBe(4);
  });

  it('does not take a COMMIT for one that answers ROLLBACK', async () => {
    const pool = pools.get(db)!;
    const { acquire } = pool;
    let under: Connection | undefined;
    (pool as { acquire: typeof acquire }).acquire = async () => (under = await acquire());
    const error = await inTransaction(db, async (tx) => {
      (pool as { acquire: typeof acquire }).acquire = acquire;
      await tx.sql`insert into thing (id, name) values (50, 'rolled back')`;
      await under?.run(control('select 1 / 0'), 1_000).catch(() => undefined); // behind the transaction's back
    }).catch((e: unknown) => e);
    expect(faultCode(error)).toBe('COMMIT_REFUSED');
    expect(await names('rolled back')).toEqual([]);
  });

  it('runs again even when its callback made something else of the conflict', async () => {
    let tries = 0;
    await inTransaction(db, async (tx) => {
      tries += 1;
      if (tries === 1) await tx.unsafe(`do $$ begin raise exception using errcode = '40001'; end $$`).catch(() => { throw problem('internal'); });
    }); // prettier-ignore
    expect(tries).toBe(2);
  });
});

describe('text that begins, ends, or leaks', () => {
  it.each(['begin', ' COMMIT', '-- x\nrollback', '/* a */ savepoint a', 'select 1; commit', "select ';'; end", 'set role x', 'reset all',
    'set session statement_timeout = 0', 'prepare transaction \'a\'', 'discard all', 'listen a', 'start transaction', ';;abort'])('is refused: %s', async (text) => {
    expect(faultCode(await db.unsafe(text).catch((e: unknown) => e))).toBe('REFUSED_TEXT');
    expect(faultCode(await inTransaction(db, (tx) => tx.unsafe(text)).catch((e: unknown) => e))).toBe('REFUSED_TEXT');
  }); // prettier-ignore

  it('is refused in the tagged form too', async () => {
    expect(faultCode(await db.sql`commit`.catch((e: unknown) => e))).toBe('REFUSED_TEXT');
    expect(faultCode(await db.drizzle.execute(dsql`commit`).catch((e: unknown) => e))).toBe('REFUSED_TEXT');
  });

  it('is not mistaken for text that only holds such words', async () => {
    await db.unsafe(`do $body$ begin perform 1; end; $body$; select 'x; commit' as "a; begin" -- ; rollback
      ; /* ; end */ select 1`);
    await inTransaction(db, (tx) => tx.unsafe(`set local lock_timeout = '1s'; select 1 - 1 as zero`));
    expect(await db.unsafe('select $1::int as endless', [1])).toEqual([{ endless: 1 }]);
  });
});

describe('a session', () => {
  it('has the search path, the timeouts and the name it was given', async () => {
    const [row] =
      await db.sql`select current_setting('search_path') as p, current_setting('statement_timeout') as s, current_setting('lock_timeout') as l,
      current_setting('idle_in_transaction_session_timeout') as i, current_setting('application_name') as n, current_setting('TimeZone') as z`;
    expect(row).toEqual({ p: `"${schema}", "extensions"`, s: '5s', l: '1s', i: '5s', n: 'test', z: 'UTC' });
  });

  it('can take a role at its start', async () => {
    const role = `kernel_role_${process.pid}`;
    await db.unsafe(`create role ${role}`);
    const as = openDatabase({ url, applicationName: 'test', settings: { role } });
    expect((await as.sql`select current_user as u`)[0]).toEqual({ u: role });
    await as.close();
    await db.unsafe(`drop role ${role}`);
  });

  it('is renewed when its life is over', async () => {
    const short = openDatabase({ url, applicationName: 'test', poolSize: 1, connectionLifetimeMs: 60 });
    const pid = async (): Promise<unknown> => (await short.sql`select pg_backend_pid() as pid`)[0]?.['pid'];
    const first = await pid();
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(await pid()).not.toBe(first);
    await short.close();
  });

  it('with a wrong password says so at once', async () => {
    const wrong = openDatabase({ url, password: 'wrong', applicationName: 'test' });
    expect(sqlState(await wrong.sql`select 1`.catch((e: unknown) => e))).toBe('28P01');
    await wrong.close();
  });

  it('that is closing lets what runs come to its end, and takes nothing new', async () => {
    const closing = openDatabase({ url, applicationName: 'test', poolSize: 2 });
    const running = closing.sql`select pg_sleep(0.2), 1 as one`;
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = closing.close();
    expect(faultCode(await closing.sql`select 1`.catch((e: unknown) => e))).toBe('CLOSED');
    expect((await running)[0]?.['one']).toBe(1);
    await closed;
    expect(closing.health().open).toBe(0);
  });
});
