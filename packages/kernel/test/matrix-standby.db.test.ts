import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPostgres, type PostgresServer } from '@sentral/servers/postgres';
import { startFaultProxy } from '@sentral/fault-proxy';
import { isProblem } from '@sentral/contracts/problem';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isCommitUnknown, sqlState, toProblem } from '../src/errors.js';
import { inTransaction } from '../src/transaction.js';
import { bare, ending, ours, sleep, takeIds } from './matrix-bench.js';

// Two servers of this file's own: a primary, and a hot standby made from a copy of its data.
const folder = mkdtempSync(path.join(tmpdir(), 'sentral-standby-'));
const servers: PostgresServer[] = [];
let primary: PostgresServer;
let standby: PostgresServer;

beforeAll(async () => {
  spawnSync('chmod', ['755', folder]);
  const at = (name: string): string => path.join(folder, name);
  const seed = await startPostgres({ dataDir: at('primary') });
  const db = ours(seed.url);
  await db.unsafe('create table matrix (id int primary key)');
  await db.close();
  await seed.stop();
  spawnSync('cp', ['-a', at('primary'), at('standby')]);
  spawnSync('cp', ['-a', at('primary.password'), at('standby.password')]);
  writeFileSync(path.join(at('standby'), 'standby.signal'), '');
  servers.push((primary = await startPostgres({ dataDir: at('primary') })));
  // The launcher waits for the words of a server that writes; a standby never says them, so its log line prefix does.
  const settings = { log_line_prefix: 'ready to accept connections ', hot_standby: 'on' };
  servers.push((standby = await startPostgres({ dataDir: at('standby'), settings })));
  const reader = ours(standby.url, { needPrimary: false, acquireTimeoutMs: 10_000 });
  expect((await reader.sql`select pg_is_in_recovery() as standby`)[0]).toEqual({ standby: true });
  await reader.close();
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const both = (): string => {
  const [one, two] = [new URL(standby.url), new URL(primary.url)];
  return `postgres://${two.username}:${two.password}@${one.host},${two.host}/postgres`;
};

it('a hot standby passes for a server that writes on the bare driver', async () => {
  expect((await bare('sessionAttributes', primary.url, standby.url)).outcome).toEqual({ standby: true });
});

it('a hot standby is passed over here, and refused when there is nothing else', async () => {
  const db = ours(both());
  await db.sql`insert into matrix (id) values (1)`;
  expect(await takeIds(primary.url)).toEqual([1]);
  await db.close();
  const alone = ours(standby.url, { acquireTimeoutMs: 300 });
  expect(isProblem((await ending(alone.sql`select 1`)).error, 'dependency-unavailable')).toBe(true);
  await alone.close();
});

it('a COMMIT whose wait for a standby is cut short passes for a success on the bare driver', async () => {
  await withMissingStandby(async () => {
    expect((await bare('cancelledCommit', primary.url)).outcome).toEqual({ outcome: 'ok' });
  });
  await takeIds(primary.url);
});

it('a COMMIT that waits for a standby is not cancelled here, and its outcome is unknown', async () => {
  await withMissingStandby(async (admin) => {
    const db = ours(primary.url, { statementTimeoutMs: 300 });
    const { error, ms } = await ending(inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (2)`));
    expect(isCommitUnknown(error)).toBe(true);
    expect(ms).toBeGreaterThan(1_200); // our deadline, and no answer of the server's
    const waiting = async (): Promise<number[]> =>
      (await admin.sql<{ pid: number }>`select pid from pg_stat_activity where wait_event = 'SyncRep'`).map(
        (r) => r.pid,
      );
    expect(await waiting()).toHaveLength(1); // nobody cut the wait: what is not safe is not seen either
    expect((await admin.sql`select id from matrix`).length).toBe(0);
    // Cut short by somebody else: PostgreSQL says success, and warns.
    const cancelled = ending(inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (3)`));
    await sleep(200);
    for (const pid of await waiting()) await admin.sql`select pg_cancel_backend(${pid})`;
    expect(isCommitUnknown((await cancelled).error)).toBe(true);
    expect(isCommitUnknown((await ending(db.sql`insert into matrix (id) values (4)`)).error)).toBe(true);
    await db.close();
  });
  expect(await takeIds(primary.url)).toEqual([2, 3, 4]);
});

it('after a promotion the first transaction is on the new primary, and one on a server that stopped writing goes there', async () => {
  const proxy = await startFaultProxy({ port: Number(new URL(primary.url).port) });
  const at = new URL(standby.url);
  const db = ours(`postgres://${at.username}:${at.password}@127.0.0.1:${proxy.port},${at.host}/postgres`);
  await inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (10)`);
  const admin = ours(standby.url, { needPrimary: false });
  proxy.cutAll('rst');
  await proxy.set({ accept: 'refuse' });
  // Whoever promotes is told of it later than those who write may find it out: pg_promote looks ten times a second.
  let asked = false;
  let promoted = Infinity;
  const writing = (async () => {
    for (;;) {
      const { error } = await ending(inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (11)`));
      if (error === undefined) return asked ? performance.now() - promoted : NaN;
      expect(['dependency-unavailable', 'overloaded']).toContain(toProblem(error, {})?.code);
    }
  })();
  await sleep(300);
  asked = true;
  await admin.sql`select pg_promote()`;
  promoted = performance.now();
  expect(await writing).toBeLessThan(500);
  expect(await takeIds(standby.url)).toEqual([11]);
  await admin.close();

  // The new primary stops writing without a word (25006): its connections go, and the old one, back again, is found.
  await proxy.set({ accept: 'normal' });
  const other = ours(standby.url);
  await other.unsafe('alter system set default_transaction_read_only = on');
  await other.unsafe('select pg_reload_conf()');
  await sleep(100);
  await inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (12)`);
  expect(await takeIds(primary.url)).toEqual([10, 12]);
  await other.close();
  await db.close();
  await proxy.stop();
});

it('a server that does not write, and has no other beside it, is an unavailable database', async () => {
  const db = ours(standby.url);
  const { error } = await ending(inTransaction(db, (tx) => tx.sql`insert into matrix (id) values (13)`));
  expect(sqlState(error)).toBe('25006');
  expect(toProblem(error, {})?.code).toBe('dependency-unavailable');
  await db.close();
});

/** The primary waits for a standby that there is not. */
async function withMissingStandby(work: (admin: ReturnType<typeof ours>) => Promise<void>): Promise<void> {
  const admin = ours(primary.url);
  await admin.unsafe(`alter system set synchronous_standby_names = 'nobody'`);
  await admin.unsafe('select pg_reload_conf()');
  await sleep(200);
  try {
    await work(admin);
  } finally {
    await admin.unsafe('alter system reset synchronous_standby_names');
    await admin.unsafe('select pg_reload_conf()');
    await sleep(300);
    await admin.close();
  }
}
