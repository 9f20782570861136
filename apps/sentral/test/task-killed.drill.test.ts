import { openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { startFaultProxy, type FaultProxy } from '@sentral/fault-proxy';
import { startNats, type NatsServer } from '@sentral/servers/nats';
import { startPostgres, type PostgresServer } from '@sentral/servers/postgres';
import { openStandIn, type StandIn } from '@sentral/stand-ins';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { leftSql, nothingLeft, password, startBuilt, type Answer, type BuiltSentral } from './built-sentral.js';

// Sentral is killed (SIGKILL) at one statement after another of its way from a request to the end of its task, started again and asked
// again under the same key. SENTRAL_CRASH_POINTS is how many of them each way and each bus (`pnpm chaos`: sixty); one alone is where a
// bucket is made over the mailbox, and removed over NATS.
const points = Number(process.env['SENTRAL_CRASH_POINTS'] ?? 1);

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-killed-'));
const environment = 'env_0000000000e008000000000003';

let postgres: PostgresServer;
let nats: NatsServer;
let proxy: FaultProxy;
let admin: Database;
let journals: Database;

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres({ unsafe: true, maxConnections: 300 }), startNats()]);
  proxy = await startFaultProxy({ port: Number(new URL(postgres.url).port) });
  admin = openDatabase({ url: postgres.url, applicationName: 'killed', poolSize: 2 });
  await admin.unsafe('create database journals');
  const url = new URL(postgres.url);
  url.pathname = '/journals';
  journals = openDatabase({ url: url.href, applicationName: 'journals', poolSize: 5 });
});
afterAll(async () => {
  await Promise.all([admin?.close(), journals?.close()]);
  await proxy?.stop();
  await Promise.all([postgres?.stop(), nats?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The built deployment on the proxied database; what was there before goes on. */
const startSentral = (settings: Readonly<Record<string, string>>): Promise<BuiltSentral> =>
  startBuilt({ folder, databaseUrl: proxy.through(postgres.url), ownerUrl: postgres.url }, settings);

describe.each(['mailbox', 'nats'] as const)('over %s', (kind) => {
  const settings: Record<string, string> = {};
  let sentral: BuiltSentral;
  let objekt: StandIn;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    if (kind === 'nats') settings['SENTRAL_NATS_URL'] = nats.url;
    sentral = await startSentral(settings);
    const mailbox = new URL(postgres.url);
    Object.assign(mailbox, { username: 'bus_app', password });
    const report = () => undefined;
    const of = openDatabase({ url: mailbox.href, applicationName: 'objekt', poolSize: 5 });
    const bus =
      kind === 'mailbox'
        ? openMailbox({ db: of, report })
        : openNats({ servers: nats.url, name: 'objekt', report, onDeadLetter: async () => undefined });
    objekt = await openStandIn({ service: 'objekt', db: journals, bus, workMs: [20, 40], crash: report, report });
    ends.push(
      () => of.close(),
      () => bus.close(),
      () => objekt.stop(),
    );
    const made = await sentral.ask('POST', '/nodes', { body: { kind: 'storage', name: kind }, key: `store-${kind}` });
    await sentral.ask('POST', `/nodes/${made.body.id}/capacities`, {
      body: { class: 'diskGib', total: 10 },
      key: `disk-${kind}`,
    });
  });
  afterAll(async () => {
    sentral?.child.kill('SIGTERM');
    await sentral?.gone;
    for (const end of ends.toReversed()) await end();
  });
  afterEach(() => void proxy.trap({ nth: Infinity, when: 'before', cut: 'rst' }));

  /** Until it is accepted: a process that dies in the middle is started again and asked the same. */
  async function through(ask: () => ReturnType<BuiltSentral['ask']>): Promise<Answer> {
    for (;;) {
      const answered = await ask().catch(() => undefined);
      if (answered?.status === 202) return answered.body;
      if (answered !== undefined && answered.status < 500) throw new Error(JSON.stringify(answered));
      await again();
    }
  }
  async function again(): Promise<void> {
    if (sentral.child.exitCode === null && sentral.child.signalCode === null) {
      await pause(100);
      return;
    }
    await sentral.gone;
    sentral = await startSentral(settings);
  }
  async function ended(task: Answer): Promise<void> {
    for (const until = Date.now() + 120_000; Date.now() < until; await pause(50)) {
      const seen = await sentral.ask('GET', `/tasks/${task.id}`).catch(again);
      if (seen === undefined) continue;
      if (seen.body.state === 'succeeded') return;
      if (!['queued', 'running'].includes(seen.body.state)) throw new Error(JSON.stringify(seen.body));
    }
    throw new Error(`${task.id} did not end`);
  }

  const make = (name: string) =>
    through(() =>
      sentral.ask('POST', `/environments/${environment}/buckets`, { body: { name, sizeGib: 1 }, key: `make-${name}` }),
    );
  const unmake = (id: string, name: string) =>
    through(() => sentral.ask('DELETE', `/buckets/${id}`, { key: `unmake-${name}` }));

  /** What may be held or in flight when every task has ended. */
  async function left(): Promise<unknown> {
    const [row] = await admin.unsafe(leftSql);
    const [things] = await journals.sql`select count(*)::int as things from objekt.thing`;
    return { ...row, ...things };
  }

  test(
    'killed on its way, it makes one bucket and one task, and removes both: nothing is held, nothing is left',
    { timeout: 3_600_000 },
    async () => {
      // A whole way without a kill says how many statements there are to die at.
      void proxy.trap({ nth: Infinity, when: 'before', cut: 'rst' });
      const whole = await make(`${kind}-whole`);
      await ended(whole);
      const making = proxy.counted();
      void proxy.trap({ nth: Infinity, when: 'before', cut: 'rst' });
      await ended(await unmake(whole.input.id, `${kind}-whole`));
      const removing = proxy.counted();

      const tasks = async () => (await admin.sql`select count(*)::int as n from task.task`)[0]?.['n'] as number;
      let hits = 0;
      for (let point = 0; point < points; point += 1) {
        const name = `${kind}-${point}`;
        const before = await tasks();
        const share = (point + 0.5) / points;
        const die = (of: number) =>
          void proxy
            .trap({
              nth: Math.max(1, Math.ceil(of * share)),
              when: point % 2 === 0 ? 'after' : 'before',
              cut: 'rst',
              onHit: () => void sentral.child.kill('SIGKILL'),
            })
            .then(() => (hits += 1));
        if (points > 1 || kind === 'mailbox') die(making);
        const task = await make(name);
        await ended(task);
        const [held] = await admin.sql`select count(*)::int as n from inventory.allocation where state = 'active'`;
        expect([name, held?.['n'], await objekt.world.count(task.input.id)]).toEqual([name, 1, expect.any(Number)]);
        if (points > 1 || kind === 'nats') die(removing);
        await ended(await unmake(task.input.id, name));
        expect([name, (await tasks()) - before]).toEqual([name, 2]);
      }
      void proxy.trap({ nth: Infinity, when: 'before', cut: 'rst' });
      await again();
      await expect.poll(left, { timeout: 60_000 }).toEqual({ ...nothingLeft, things: 0 });
      expect(hits, 'of the kills').toBeGreaterThanOrEqual(points);
      console.log(`${kind}: ${making} statements to make, ${removing} to remove; killed ${hits} times`);
    },
  );
});
