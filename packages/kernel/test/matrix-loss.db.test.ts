import { startFaultProxy, type FaultProxy } from '@sentral/fault-proxy';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Database } from '../src/database.js';
import { faultCode, isCommitUnknown, sqlState, toProblem } from '../src/errors.js';
import { inTransaction } from '../src/transaction.js';
import { bare, ending, matrixDatabase, ours, sleep, takeIds } from './matrix-bench.js';

let target: Awaited<ReturnType<typeof matrixDatabase>>;
let proxy: FaultProxy;
let db: Database;
let uncaught = 0;
const count = (): void => void (uncaught += 1);

beforeAll(async () => {
  target = await matrixDatabase(inject('postgresUrl'), `matrix_loss_${process.pid}`);
  process.on('uncaughtExceptionMonitor', count);
});
afterAll(async () => {
  process.off('uncaughtExceptionMonitor', count);
  expect(uncaught).toBe(0);
  await target.drop();
});
beforeEach(async () => {
  proxy = await startFaultProxy({ port: Number(new URL(target.url).port) });
  db = ours(proxy.through(target.url), { statementTimeoutMs: 2_000 });
});
afterEach(async () => {
  await db.close(500);
  await proxy.stop();
  await takeIds(target.url);
});

const insert = (id: number): Promise<unknown> => db.sql`insert into matrix (id) values (${id})`;

describe('a transaction that begins among a thousand pipelined statements', () => {
  it('takes acknowledged writes of others with it on the bare driver', async () => {
    const { outcome } = await bare('pipelining', target.url);
    expect(outcome).toMatchObject({ missing: expect.any(Number) });
    expect(outcome?.['missing']).toBeGreaterThan(0);
  });

  it('costs nobody anything here', async () => {
    const wide = ours(target.url, { queueLimit: 5_000, acquireTimeoutMs: 30_000 });
    const kept: number[] = [];
    const all: Promise<unknown>[] = [];
    for (let i = 0; i < 1200; i += 1) {
      all.push(wide.sql`insert into matrix (id) values (${i})`.then(() => kept.push(i)));
      if (i % 7 === 0 || i >= 990) all.push(inTransaction(wide, (tx) => tx.sql`select 1`));
    }
    await Promise.all(all);
    await wide.close();
    expect(kept).toHaveLength(1200);
    expect(await takeIds(target.url)).toEqual(Array.from({ length: 1200 }, (_, i) => i));
  });
});

describe('a connection lost inside a transaction', () => {
  it('ends the process on the bare driver', async () => {
    const { exitCode, stderr } = await bare('lostInBegin', target.url);
    expect(stderr).toContain("Cannot read properties of null (reading 'write')");
    expect(exitCode).not.toBe(0);
  });

  it('on the bare driver lets the next statement commit alone, when there is other traffic', async () => {
    const { outcome } = await bare('otherTraffic', target.url);
    expect(outcome).toMatchObject({ late: 'ok', rows: [2] });
    expect(outcome?.['begun']).not.toBe('ok');
  });

  it.each(['fin', 'rst'] as const)(
    'is an error of the transaction here, and nothing of it is left (%s)',
    async (cut) => {
      for (const during of ['between', 'statement'] as const) {
        let late: unknown;
        const { error, ms } = await ending(
          inTransaction(db, async (tx) => {
            await tx.sql`insert into matrix (id) values (1)`;
            if (during === 'statement') setTimeout(() => proxy.cutAll(cut), 30);
            else proxy.cutAll(cut);
            if (during === 'statement') await tx.sql`select pg_sleep(1)`.catch(() => undefined);
            await sleep(50);
            await insert(100 + Math.floor(Math.random() * 1e6)); // other traffic, which dials again
            late = await tx.sql`insert into matrix (id) values (2)`.catch((e: unknown) => e);
          }),
        );
        expect(faultCode(error)).toBe('CONNECTION_LOST');
        expect(toProblem(error, {})?.code).toBe('dependency-unavailable');
        expect(ms).toBeLessThan(1_000);
        // The other traffic has to dial first, however long that takes.
        await expect.poll(() => faultCode(late), { timeout: 5_000 }).toMatch(/CONNECTION_LOST|TRANSACTION_ENDED/);
        const left = await takeIds(target.url);
        expect(left).toHaveLength(1);
        expect(left[0]).toBeGreaterThanOrEqual(100);
      }
    },
  );

  it('leaves a database that answers again within a quarter of a second', async () => {
    await Promise.all(Array.from({ length: 10 }, () => db.sql`select pg_sleep(0.02)`));
    proxy.cutAll('rst');
    await sleep(20);
    const { error, ms } = await ending(db.sql`select 1`);
    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(250);
  });

  it('before its callback was called is dialled again, unseen', async () => {
    await db.sql`select 1`;
    const sprung = proxy.trap({ nth: 1, when: 'before', cut: 'rst' });
    let calls = 0;
    await inTransaction(db, async (tx) => ((calls += 1), tx.sql`insert into matrix (id) values (1)`));
    await sprung;
    expect(calls).toBe(1);
    expect(await takeIds(target.url)).toEqual([1]);
  });
});

describe('a connection lost during COMMIT', () => {
  const isCommit = ({ type, text }: { type: string; text: string }): boolean => type === 'Q' && /commit/.test(text);

  it.each([['before', []], ['after', [1]]] as const)('%s the server executed it is an outcome that nobody knows', async (when, left) => {
    let runs = 0;
    const sprung = proxy.trap({ nth: 1, when, cut: 'rst', match: isCommit });
    const { error } = await ending(inTransaction(db, async (tx) => ((runs += 1), tx.sql`insert into matrix (id) values (1)`)));
    await sprung;
    expect(isCommitUnknown(error)).toBe(true);
    expect(toProblem(error, {})?.code).toBe('outcome-unknown');
    expect(runs).toBe(1);
    expect(await takeIds(target.url)).toEqual(left);
  }); // prettier-ignore

  it('that goes silent is unknown when the deadline has passed', async () => {
    const quick = ours(proxy.through(target.url), { statementTimeoutMs: 200 });
    void proxy.trap({ nth: 1, when: 'after', cut: 'black-hole', match: isCommit });
    const { error, ms } = await ending(inTransaction(quick, (tx) => tx.sql`insert into matrix (id) values (1)`));
    expect(isCommitUnknown(error)).toBe(true);
    expect(ms).toBeLessThan(3_000);
    await quick.close(100);
    expect(await takeIds(target.url)).toEqual([1]);
  });

  it('of a statement on its own is unknown as well, unless it only reads', async () => {
    await db.sql`select 1`;
    let sprung = proxy.trap({ nth: 1, when: 'after', cut: 'rst' });
    expect(isCommitUnknown((await ending(insert(7))).error)).toBe(true);
    await sprung;
    await db.sql`select 1`;
    sprung = proxy.trap({ nth: 1, when: 'before', cut: 'fin' });
    expect(faultCode((await ending(db.sql`select 1`)).error)).toBe('CONNECTION_LOST');
    await sprung;
    expect(await takeIds(target.url)).toEqual([7]);
  });
});

it('a crash at any message of a transaction leaves all of it or nothing, and is told truly', async () => {
  for (let nth = 1, ended = false; !ended; nth += 1) {
    expect(nth).toBeLessThan(20);
    for (const when of ['before', 'after'] as const) {
      await db.sql`select 1`;
      let sprung = false;
      void proxy.trap({ nth, when, cut: 'rst' }).then(() => (sprung = true));
      const { error } = await ending(
        inTransaction(db, async (tx) => {
          await tx.sql`insert into matrix (id) values (1)`;
          await tx.savepoint(() => tx.sql`insert into matrix (id) values (2)`);
          await tx.sql`insert into matrix (id) values (3)`;
        }),
      );
      void proxy.trap({ nth: 1e9, when: 'before', cut: 'rst' }); // disarm
      await sleep(30);
      const left = await takeIds(target.url);
      if (error === undefined) expect(left).toEqual([1, 2, 3]);
      else if (isCommitUnknown(error)) expect([0, 3]).toContain(left.length);
      else expect(left).toEqual([]);
      ended = !sprung;
    }
  }
});

it('in a storm of killed backends no acknowledged write is missing, and none that was refused is there', async () => {
  const admin = ours(target.url, { poolSize: 1 });
  const [kept, refused]: [number[], number[]] = [[], []];
  let next = 1;
  let kills = 0;
  // By count, not by the clock: on a slow machine the storm takes longer, and is as dense.
  const over = (): boolean => kills > 120 && kept.length > 240;
  const writer = async (): Promise<void> => {
    while (!over()) {
      const id = (next += 1);
      const { error } = await ending(inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (${id})`));
      if (error === undefined) kept.push(id);
      else if (!isCommitUnknown(error)) refused.push(id);
    }
  };
  const killer = async (): Promise<void> => {
    for (let seen = 0; !over(); seen = kept.length) {
      const [row] = await admin.sql<{ n: number }>`select count(pg_terminate_backend(pid)) as n from
        (select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() order by random() limit 2) as victims`;
      kills += row?.n ?? 0;
      while (kept.length < seen + 4 && !over()) await sleep(2);
    }
  };
  await Promise.all([...Array.from({ length: 8 }, writer), killer()]);
  await admin.close();
  const left = new Set(await takeIds(target.url));
  expect(refused.length).toBeGreaterThan(10);
  expect(kept.filter((id) => !left.has(id))).toEqual([]);
  expect(refused.filter((id) => left.has(id))).toEqual([]);
}, 60_000);

it('a callback that never settles does not keep its connection', async () => {
  const small = ours(proxy.through(target.url), { poolSize: 1, idleInTransactionTimeoutMs: 300 });
  const { error, ms } = await ending(inTransaction(small, async (tx) => {
    await tx.sql`insert into matrix (id) values (1)`;
    await new Promise(() => undefined);
  })); // prettier-ignore
  expect(sqlState(error) ?? faultCode(error)).toMatch(/25P03|CONNECTION_LOST|TRANSACTION_DEADLINE/);
  expect(ms).toBeLessThan(2_000);
  expect((await small.sql`select 1 as one`)[0]).toEqual({ one: 1 });
  // Where the server cannot say it, the client's own clock does; and a deadline of the whole is kept too.
  const silent = await ending(inTransaction(small, async () => {
    proxy.cutAll('black-hole');
    await new Promise(() => undefined);
  })); // prettier-ignore
  expect(faultCode(silent.error)).toBe('TRANSACTION_DEADLINE');
  const whole = await ending(inTransaction(small, () => new Promise(() => undefined), { deadlineMs: 150 }));
  expect(faultCode(whole.error)).toBe('TRANSACTION_DEADLINE');
  expect(whole.ms).toBeLessThan(290);
  await small.close(100);
});
