import { startFaultProxy, type FaultProxy } from '@sentral/fault-proxy';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { isProblem } from '@sentral/contracts/problem';
import type { Database } from '../src/database.js';
import { faultCode } from '../src/errors.js';
import { inTransaction } from '../src/transaction.js';
import { bare, ending, matrixDatabase, ours, sleep } from './matrix-bench.js';

let target: Awaited<ReturnType<typeof matrixDatabase>>;
let proxy: FaultProxy;
let db: Database;

beforeAll(async () => {
  target = await matrixDatabase(inject('postgresUrl'), `matrix_dial_${process.pid}`);
});
afterAll(() => target.drop());
beforeEach(async () => {
  proxy = await startFaultProxy({ port: Number(new URL(target.url).port) });
  db = ours(proxy.through(target.url), { statementTimeoutMs: 300 });
});
afterEach(async () => {
  await db.close(100);
  await proxy.stop();
});

const hosts = (...urls: string[]): string => {
  const at = new URL(urls[0]!);
  return `postgres://${at.username}:${at.password}@${urls.map((url) => new URL(url).host).join(',')}${at.pathname}`;
};

describe('a host that closes politely at connect', () => {
  it('leaves a query of the bare driver waiting for ever, dialling in a loop', async () => {
    for (const { outcome } of await Promise.all([
      bare('finAtConnect', target.url),
      bare('everyHostDown', target.url),
    ])) {
      expect(outcome).toMatchObject({ outcome: 'never' });
      expect(outcome?.['dialled']).toBeGreaterThan(20);
    }
  });

  it.each(['fin', 'rst', 'refuse', 'black-hole'] as const)('is an unavailable database here, told in a second (%s)', async (accept) => {
    await proxy.set({ accept });
    const { error, ms } = await ending(db.sql`select 1`);
    expect(isProblem(error, 'dependency-unavailable')).toBe(true);
    expect(ms).toBeLessThan(1_500);
    expect(proxy.accepted()).toBeLessThan(30); // redials are spaced
    await proxy.set({ accept: 'normal' });
    expect((await ending(db.sql`select 1`)).error).toBeUndefined();
  }); // prettier-ignore

  it('is passed over when another one answers', async () => {
    const second = await startFaultProxy({ port: Number(new URL(target.url).port) });
    const both = ours(hosts(proxy.through(target.url), second.through(target.url)), { connectTimeoutMs: 300 });
    for (const accept of ['fin', 'refuse', 'rst', 'black-hole'] as const) {
      await proxy.set({ accept });
      expect((await both.sql`select 1 as one`)[0]).toEqual({ one: 1 });
      second.cutAll('rst');
      await proxy.set({ accept: 'normal' });
      await sleep(20);
    }
    await Promise.all([proxy.set({ accept: 'fin' }), second.set({ accept: 'refuse' })]);
    await sleep(20);
    proxy.cutAll('rst');
    second.cutAll('rst');
    await sleep(20);
    const { error, ms } = await ending(both.sql`select 1`);
    expect(isProblem(error, 'dependency-unavailable')).toBe(true);
    expect(ms).toBeLessThan(1_500);
    await both.close(100);
    await second.stop();
  });
});

describe('a connection whose other end is gone without a word', () => {
  it('leaves a query of the bare driver waiting for ever', async () => {
    expect((await bare('halfOpen', target.url)).outcome).toEqual({ outcome: 'never' });
  });

  it('is destroyed at the deadline here, and the next statement has a new one', async () => {
    await db.sql`select 1`;
    proxy.cutAll('black-hole');
    const { error, ms } = await ending(db.sql`select 1`);
    expect(faultCode(error)).toBe('STATEMENT_DEADLINE');
    expect(ms).toBeGreaterThan(1_200);
    expect(ms).toBeLessThan(2_000);
    expect((await db.sql`select 1 as one`)[0]).toEqual({ one: 1 });
    expect(db.health()).toMatchObject({ open: 1, busy: 0, waiting: 0 });
  });
});

describe('five times more than the database can do', () => {
  it('makes everybody wait on the bare driver, and long after', async () => {
    const { outcome } = await bare('overload', target.url);
    expect(outcome).toMatchObject({ refused: 0 });
    expect(outcome?.['left']).toBeGreaterThan(100);
    expect(outcome?.['p50']).toBeGreaterThan(1_000);
    expect(outcome?.['recoveredMs']).toBeGreaterThan(2_500);
  });

  it('is refused in time here, with a time to come again, and is over when the load is', async () => {
    const small = ours(target.url, { poolSize: 2, queueLimit: 20 });
    await small.sql`select 1`;
    const admitted: number[] = [];
    const refused: number[] = [];
    const ask = async (): Promise<void> => {
      const { error, ms } = await ending(small.sql`select pg_sleep(0.05)`);
      if (error === undefined) admitted.push(ms);
      else refused.push(ms);
      if (error !== undefined)
        expect(error).toMatchObject({ code: 'overloaded', facts: { retryAfterSeconds: expect.any(Number) } });
    };
    const all: Promise<void>[] = [];
    for (let i = 0; i < 188; i += 1) {
      all.push(ask());
      if (i % 4 === 3) await sleep(20);
    }
    const ended = performance.now();
    await Promise.all(all);
    expect(performance.now() - ended).toBeLessThan(1_200);
    expect(Math.max(...admitted)).toBeLessThan(1_500);
    expect(admitted.length).toBeGreaterThan(30);
    expect(refused.length).toBeGreaterThan(80);
    expect(refused.toSorted((a, b) => a - b)[Math.floor(refused.length * 0.99)]).toBeLessThan(250);
    expect((await ending(small.sql`select 1`)).ms).toBeLessThan(100);
    await small.close();
  });

  it('does not wait longer for a connection than its deadline', async () => {
    const one = ours(target.url, { poolSize: 1, acquireTimeoutMs: 100 });
    const long = one.sql`select pg_sleep(0.5)`;
    await sleep(50);
    const { error, ms } = await ending(inTransaction(one, (tx) => tx.sql`select 1`));
    expect(isProblem(error, 'overloaded')).toBe(true);
    expect(ms).toBeLessThan(300);
    expect(one.health().waiting).toBe(0);
    await long;
    await one.close();
  });
});
