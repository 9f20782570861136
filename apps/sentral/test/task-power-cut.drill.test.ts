import { openMailbox } from '@sentral/kernel/bus/mailbox';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { startPostgres, type PostgresServer } from '@sentral/servers/postgres';
import { openStandIn, type StandIn } from '@sentral/stand-ins';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leftSql, nothingLeft, password, startBuilt, type Answer, type BuiltSentral } from './built-sentral.js';

// PostgreSQL and all its processes are killed (SIGKILL) while tasks are on their way over the mailbox: what was committed without waiting for
// the disk is lost, as in a power cut, and nothing else (ADR 0021, 0025). SENTRAL_POWER_CUTS is how often each way.
const cuts = Number(process.env['SENTRAL_POWER_CUTS'] ?? 1);
const several = 12;

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-power-'));
chmodSync(folder, 0o755);
const environment = 'env_0000000000e008000000000003';
const ends: (() => Promise<unknown>)[] = [];

let port: number | undefined;
let postgres: PostgresServer;
let admin: Database;
let journals: Database;
let sentral: BuiltSentral;
let objekt: StandIn;

/** With the durability that it has in production; what does not wait for the disk is written as late as PostgreSQL can. */
const start = () =>
  startPostgres({
    dataDir: path.join(folder, 'postgres'),
    ...(port === undefined ? {} : { port }),
    maxConnections: 300,
    settings: { wal_writer_delay: '10s' },
  });

beforeAll(async () => {
  postgres = await start();
  port = Number(new URL(postgres.url).port);
  admin = openDatabase({ url: postgres.url, applicationName: 'power', poolSize: 2 });
  await admin.unsafe('create database journals');
  const of = (database: string, login?: string) => {
    const url = new URL(postgres.url);
    Object.assign(url, { pathname: `/${database}`, ...(login === undefined ? {} : { username: login, password }) });
    return openDatabase({ url: url.href, applicationName: 'objekt', poolSize: 5 });
  };
  sentral = await startBuilt({ folder, databaseUrl: postgres.url, ownerUrl: postgres.url });
  journals = of('journals');
  const mailbox = of('postgres', 'bus_app');
  const report = () => undefined;
  const bus = openMailbox({ db: mailbox, report });
  objekt = await openStandIn({ service: 'objekt', db: journals, bus, workMs: [20, 200], crash: report, report });
  ends.push(
    () => Promise.all([admin.close(), journals.close(), mailbox.close()]),
    () => bus.close(),
    () => objekt.stop(),
  );
  const store = await sentral.ask('POST', '/nodes', { body: { kind: 'storage', name: 'store' }, key: 'store' });
  await sentral.ask('POST', `/nodes/${store.body.id}/capacities`, {
    body: { class: 'diskGib', total: several },
    key: 'disk',
  });
});
afterAll(async () => {
  sentral?.child.kill('SIGTERM');
  await sentral?.gone;
  for (const end of ends.toReversed()) await end();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function cutThePower(): Promise<void> {
  await postgres.crash();
  postgres = await start();
}

/** Until it is accepted: who hears nothing, or that it cannot be told now, asks again under the same key. */
async function through(ask: () => ReturnType<BuiltSentral['ask']>): Promise<Answer> {
  for (const until = Date.now() + 60_000; Date.now() < until; await pause(100)) {
    const answered = await ask().catch(() => undefined);
    if (answered?.status === 202) return answered.body;
    if (answered !== undefined && answered.status < 500) throw new Error(JSON.stringify(answered));
  }
  throw new Error('it was not accepted');
}

/** Nothing is lost on its way: what a process had taken comes again after the ack wait of half a minute. */
const patienceMs = 120_000;

async function ended({ id }: Answer): Promise<void> {
  for (const until = Date.now() + patienceMs; Date.now() < until; await pause(100)) {
    const seen = await sentral.ask('GET', `/tasks/${id}`).catch(() => undefined);
    if (seen === undefined || seen.status >= 500) continue;
    if (seen.body.state === 'succeeded') return;
    if (!['queued', 'running'].includes(seen.body.state)) throw new Error(JSON.stringify(seen.body));
  }
  throw new Error(`${id} did not end`);
}

/** All at once, with a cut when some have been accepted and not all have ended; the tasks that were accepted all end. */
async function withCut(asks: readonly (() => ReturnType<BuiltSentral['ask']>)[]): Promise<Answer[]> {
  let accepted = 0;
  const asked = Promise.all(
    asks.map(async (ask) => {
      const task = await through(ask);
      accepted += 1;
      return task;
    }),
  );
  await expect.poll(() => accepted, { interval: 5, timeout: 60_000 }).toBeGreaterThan(0);
  await pause(Math.random() * 300);
  await cutThePower();
  const [row] = await admin.unsafe(`select count(*)::int as n from task.task where finished_at is null`);
  unfinished += Number(row?.['n']);
  const tasks = await asked;
  await Promise.all(tasks.map(ended));
  return tasks;
}
let unfinished = 0;

test(
  'the power goes while buckets are made and removed: each is made once, and gone; nothing is held, nothing is left',
  { timeout: 60_000 + 2 * cuts * patienceMs },
  async () => {
    const names = Array.from({ length: several }, (_, at) => `bucket-${at}`);
    for (let cut = 0; cut < cuts; cut += 1) {
      const made = await withCut(
        names.map(
          (name) => () =>
            sentral.ask('POST', `/environments/${environment}/buckets`, {
              body: { name: `${name}-${cut}`, sizeGib: 1 },
              key: `make-${name}-${cut}`,
            }),
        ),
      );
      const [held] = await admin.sql`select count(*)::int as n from inventory.allocation where state = 'active'`;
      expect([held?.['n'], new Set(made.map(({ input }) => input.id)).size]).toEqual([several, several]);
      await withCut(
        made.map(
          ({ input }) =>
            () =>
              sentral.ask('DELETE', `/buckets/${input.id}`, { key: `unmake-${input.id}` }),
        ),
      );
      const [all] = await admin.sql`select count(*)::int as n from task.task`;
      expect(all?.['n']).toBe((cut + 1) * 2 * several);
    }
    const left = async () => ({
      ...(await admin.unsafe(leftSql))[0],
      ...(await journals.sql`select count(*)::int as things from objekt.thing`)[0],
    });
    await expect.poll(left, { timeout: 60_000 }).toEqual({ ...nothingLeft, things: 0 });
    expect(unfinished, 'tasks on their way').toBeGreaterThan(0);
  },
);
