import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'tsup';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { amendVisibility, claimMessages, endExpired, endMessages } from '../src/bus/mailbox-sql.js';
import { openMailbox } from '../src/bus/mailbox.js';
import type { BusMessage, ConsumeSpec } from '../src/bus/port.js';
import { openDatabase } from '../src/database.js';
import { busDatabase, type BusDatabase } from './bus-database.js';

let database: BusDatabase;
const folder = mkdtempSync(path.join(tmpdir(), 'sentral-bus-'));

beforeAll(async () => {
  database = await busDatabase(inject('postgresUrl'), 'bus_mailbox');
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const base: ConsumeSpec = {
  stream: 'DV_RPL',
  durable: 'replies',
  filter: 'dv.rpl.v1.>',
  ackWaitMs: 1500,
  maxDeliver: 5,
  concurrency: 4,
  backoffMs: [10],
};

function messages(subject: string, ids: readonly string[]): BusMessage[] {
  return ids.map((id) => ({ subject, id, data: '{}' }));
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await sleep(20);
  }
}

async function waiting(): Promise<number> {
  const [row] = await database.db.sql<{ count: number }>`select count(*)::int as count from bus.mailbox`;
  return row?.count ?? -1;
}

describe('the mailbox', () => {
  test('a consumer killed with kill -9 loses nothing, and what it had in hand comes back after the ack wait', async () => {
    const [notes, bundle] = [path.join(folder, 'notes'), path.join(folder, 'child.mjs')];
    await bundleChild(bundle);
    const bus = openMailbox({ db: database.db, pollMs: 50 });
    const ids = Array.from({ length: 40 }, (_, place) => (place % 5 === 0 ? `m${place}-slow` : `m${place}`));
    await bus.publish(messages('dv.rpl.v1.sentral.nett.stp', ids));

    const child = spawn(
      process.execPath,
      [bundle, database.appUrl, JSON.stringify({ ...base, ackWaitMs: 3000 }), notes],
      {
        stdio: 'inherit',
      },
    );
    const lines = (): string[] => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n') : []);
    await until('all its slots hang', () => lines().filter((line) => /^took .*-slow$/.test(line)).length === 4);
    await until('the fast ones are acknowledged', async () => (await waiting()) <= ids.length - 12);
    child.kill('SIGKILL');
    const killedAt = Date.now();
    await new Promise((resolve) => child.once('exit', resolve));
    const inHand = lines()
      .filter((line) => line.startsWith('took '))
      .map((line) => line.slice(5));
    const done = new Set(
      lines()
        .filter((line) => line.startsWith('done '))
        .map((line) => line.slice(5)),
    );

    const [seen, firstAgain] = [new Map<string, number>(), { at: 0 }];
    const rest = bus.consume(base, async ({ id, deliveries }) => {
      seen.set(id, deliveries);
      if (id.endsWith('-slow') && deliveries > 1 && firstAgain.at === 0) firstAgain.at = Date.now();
      return 'ack';
    });
    await until('the mailbox is empty', async () => (await waiting()) === 0);
    await rest.stop();
    await bus.close();

    expect(new Set([...done, ...seen.keys()])).toEqual(new Set(ids));
    const returned = inHand.filter((id) => !done.has(id));
    expect(returned.length).toBeGreaterThan(0);
    for (const id of returned) expect(seen.get(id)).toBe(2);
    // They were taken at most 3 s before the kill, so the database gives them back at most 3 s after it.
    expect(firstAgain.at - killedAt).toBeLessThan(3500);
    console.info(
      `kill -9: ${ids.length} messages, ${returned.length} in hand, first back after ${firstAgain.at - killedAt} ms`,
    );
  });

  test('a message that ends its process each time is buried without another delivery', async () => {
    const bus = openMailbox({ db: database.db, pollMs: 20 });
    await bus.publish(messages('dv.rpl.v1.sentral.nett.crash', ['crash']));
    await database.db.sql`update bus.mailbox set deliveries = 5 where message_id = 'crash'`;
    const seen: string[] = [];
    bus.consume(base, async ({ id }) => {
      seen.push(id);
      return 'ack';
    });
    await until('it is buried', async () => (await waiting()) === 0);
    await bus.close();
    expect(seen).toEqual([]);
    const letters = await database.db.sql<{
      reason: string;
    }>`select reason from bus.dead_letter where message_id = 'crash'`;
    expect(letters).toEqual([{ reason: 'delivered 5 times without an answer' }]);
  });

  test('a dead letter that cannot be told of stays in the mailbox and is tried again', async () => {
    let refusals = 0;
    const onDeadLetter = async (): Promise<void> => {
      refusals += 1;
      if (refusals < 3) throw new Error('nobody home');
    };
    const bus = openMailbox({ db: database.db, pollMs: 20, onDeadLetter });
    bus.consume({ ...base, maxDeliver: 1 }, async () => ({ nak: 0 }));
    await bus.publish(messages('dv.rpl.v1.sentral.nett.untold', ['untold']));
    await until('the mailbox is empty', async () => (await waiting()) === 0);
    await bus.close();
    expect(refusals).toBe(3);
  });

  test('ids are forgotten after the duplicate window and messages after the age of their stream', async () => {
    const bus = openMailbox({ db: database.db });
    await bus.publish(messages('dv.rpl.v1.sentral.nett.old', ['old', 'young']));
    await database.db.sql`update bus.mailbox_seen set expires_at = now() - interval '1 ms' where message_id = 'old'`;
    await database.db.sql`update bus.mailbox set created_at = now() - interval '73 h' where message_id = 'old'`;
    await endExpired(database.db);
    const kept = await database.db.sql<{ id: string }>`select message_id as "id" from bus.mailbox`;
    expect(kept).toEqual([{ id: 'young' }]);
    expect(await bus.publish(messages('dv.rpl.v1.sentral.nett.old', ['old', 'young']))).toEqual([
      { id: 'old', duplicate: false },
      { id: 'young', duplicate: true },
    ]);
    await database.db.sql`delete from bus.mailbox`;
    await bus.close();
  });

  test('a late nak does not take the message from the one who has it since', async () => {
    const bus = openMailbox({ db: database.db });
    await bus.publish(messages('dv.rpl.v1.sentral.nett.late', ['late']));
    const [first] = await claimMessages(database.db, { ...base, ackWaitMs: 1 }, 1);
    await sleep(30);
    const [second] = await claimMessages(database.db, base, 1);
    expect([first?.message.deliveries, second?.message.deliveries]).toEqual([1, 2]);
    if (first !== undefined) await amendVisibility(database.db, first, 0);
    expect([...(await claimMessages(database.db, base, 1))]).toEqual([]);
    if (first !== undefined) await endMessages(database.db, [first]);
    expect(await waiting()).toBe(0);
    await bus.close();
  });

  test('of four processes and two hundred messages none is handled twice', async () => {
    const databases = Array.from({ length: 4 }, () => database.open());
    const buses = databases.map((db) => openMailbox({ db, pollMs: 20 }));
    const seen: string[] = [];
    for (const bus of buses) {
      bus.consume({ ...base, ackWaitMs: 20_000 }, async ({ id }) => {
        seen.push(id);
        await sleep(Math.random() * 5);
        return 'ack';
      });
    }
    const ids = Array.from({ length: 200 }, (_, place) => `shared-${place}`);
    await Promise.all(
      buses.map((bus, part) =>
        bus.publish(messages('dv.rpl.v1.sentral.nett.shared', ids.slice(part * 50, part * 50 + 50))),
      ),
    );
    await until('all are handled', async () => (await waiting()) === 0);
    await Promise.all(buses.map((bus) => bus.close()));
    await Promise.all(databases.map((db) => db.close()));
    expect(seen.toSorted()).toEqual(ids.toSorted());
  });

  test('a question goes to another process: it is answered, refused in the words of who answers, or nobody is there', async () => {
    const databases = [database.open(), database.open(), database.open()];
    const [asking, ...answering] = databases.map((db) => openMailbox({ db, pollMs: 20 }));
    if (asking === undefined) throw new Error('no bus');
    const subject = 'dv.qry.v1.nett.op.describe';
    const left = async () => (await database.db.sql`select count(*)::int as n from bus.question`)[0]?.['n'];
    await expect(asking.request(subject, '{}', 30)).rejects.toThrow(`no answer on ${subject} in 30 ms`);
    await expect(asking.request(subject, '{}', 5_000)).rejects.toThrow(`nobody answers on ${subject}`);
    expect(await left()).toBe(0);
    let asked = 0;
    const responders = answering.map((bus) =>
      bus.respond('dv.qry.v1.nett.op.*', async (data, of) => {
        asked += 1;
        if (data === 'bad') throw new Error('cannot say');
        return `${of} ${data}`;
      }),
    );
    const all = Array.from({ length: 40 }, (_, n) => asking.request(subject, `${n}`, 5_000));
    expect(await Promise.all(all)).toEqual(Array.from({ length: 40 }, (_, n) => `${subject} ${n}`));
    expect(asked).toBe(40);
    await expect(asking.request(subject, 'bad', 5_000)).rejects.toThrow('cannot say');
    await expect(asking.request('dv.qry.v1.nett.observe.network', '{}', 5_000)).rejects.toThrow('nobody answers');
    // Who does not answer on a subject leaves its questions to who does.
    const other = answering[0]?.respond('dv.qry.v1.nett.observe.network', async (data) => `seen ${data}`);
    const seen = Array.from({ length: 20 }, (_, n) => asking.request('dv.qry.v1.nett.observe.network', `${n}`, 5_000));
    expect(await Promise.all(seen)).toEqual(Array.from({ length: 20 }, (_, n) => `seen ${n}`));
    await Promise.all([...(other === undefined ? [] : [other]), ...responders].map((each) => each.stop()));
    await expect(asking.request(subject, '{}', 5_000)).rejects.toThrow('nobody answers');
    expect(await left()).toBe(0);
    await Promise.all([asking, ...answering].map((bus) => bus.close()));
    await Promise.all(databases.map((db) => db.close()));
  });

  test('publishers of the same ids in opposite order get each other for a duplicate, never a deadlock', async () => {
    const buses = Array.from({ length: 4 }, () => openMailbox({ db: database.db }));
    const ids = Array.from({ length: 50 }, (_, place) => `both-${place}`);
    const batches = buses.map((_, part) =>
      messages('dv.rpl.v1.sentral.nett.both', part % 2 === 0 ? ids : ids.toReversed()),
    );
    const acks = await Promise.all(buses.map((bus, part) => bus.publish(batches[part] ?? [])));
    expect(acks.flat().filter((ack) => !ack.duplicate)).toHaveLength(50);
    await database.db.sql`delete from bus.mailbox`;
    await Promise.all(buses.map((bus) => bus.close()));
  });

  test('what is acknowledged in groups and superseded at once in another order is never a deadlock', async () => {
    const others = Array.from({ length: 2 }, () => database.open());
    const publishers = others.map((db) => openMailbox({ db }));
    const spec = { ...base, stream: 'DV_CMD', durable: 'commands', filter: 'dv.cmd.v1.>' } as const;
    const subjects = Array.from({ length: 30 }, (_, n) => `dv.cmd.v1.nett.port.attach.s${n}`);
    const round = (bus: number, n: number): BusMessage[] =>
      subjects.map((subject, at) => ({ subject, id: `c${bus}-${n}-${at}`, data: '{}' }));
    for (let n = 0; n < 15; n += 1) {
      await publishers[0]?.publish(n % 2 === 0 ? round(0, n) : round(0, n).toReversed());
      const claimed = await claimMessages(database.db, spec, 100);
      expect(claimed).toHaveLength(30);
      // By arrival and against it, while newer ones take their places.
      await Promise.all([
        endMessages(database.db, claimed.slice(0, 20)),
        endMessages(others[0] ?? database.db, claimed.slice(10).toReversed()),
        ...publishers.map((bus, part) => bus.publish(round(part + 1, n).toReversed())),
      ]);
      // Whatever was superseded is still there.
      expect((await claimMessages(database.db, spec, 100)).map(({ message }) => message.subject).toSorted()).toEqual(
        subjects.toSorted(),
      );
      await database.db.sql`update bus.mailbox set visible_at = now()`;
    }
    await database.db.sql`delete from bus.mailbox`;
    await Promise.all(publishers.map((bus) => bus.close()));
    await Promise.all(others.map((db) => db.close()));
  });

  test('who publishes what cannot be stored harms none of those that publish beside', async () => {
    const bus = openMailbox({ db: database.db });
    const subject = 'dv.rpl.v1.sentral.nett.beside';
    const sent = await Promise.allSettled([
      bus.publish([{ subject, id: 'beside-1', data: '{}' }]),
      bus.publish([{ subject, id: 'beside-2', data: '\u0000' }]),
      bus.publish([{ subject, id: 'beside-1', data: '{}' }]),
      bus.publish([{ subject, id: 'beside-3', data: '{}' }]),
    ]);
    expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const acks = sent.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    expect(acks.filter((ack) => !ack.duplicate).map((ack) => ack.id)).toHaveLength(2);
    expect(await waiting()).toBe(2);
    await database.db.sql`delete from bus.mailbox`;
    await bus.close();
  });

  test('with its database away it says so, refuses to publish, and a stop still ends', async () => {
    const db = openDatabase({
      url: 'postgres://bus_app:sentral@127.0.0.1:9/none',
      applicationName: 'away',
      acquireTimeoutMs: 300,
    });
    const bus = openMailbox({ db, pollMs: 50 });
    const subscription = bus.consume(base, async () => 'ack');
    await expect(bus.publish(messages('dv.rpl.v1.sentral.nett.away', ['away']))).rejects.toMatchObject({
      failed: [{ id: 'away', permanent: false }],
    });
    await until('it says so', () => !bus.health().connected);
    await subscription.stop();
    await bus.close();
    await db.close(100);
  });
});

/** The child runs what stands in src, whether or not the package was built. */
async function bundleChild(file: string): Promise<void> {
  const entry = fileURLToPath(new URL('bus-mailbox-child.ts', import.meta.url));
  await build({
    entry: { child: entry },
    outDir: path.dirname(file),
    outExtension: () => ({ js: '.mjs' }),
    format: ['esm'],
    platform: 'node',
    target: 'node20',
    config: false,
    silent: true,
    clean: false,
    noExternal: [/.*/],
    external: ['drizzle-orm'],
  });
}
