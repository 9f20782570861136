import { cloudEventSchema } from '@sentral/contracts/events';
import { parseContent } from '@sentral/contracts/validation';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../test/kernel-schema.js';
import { type Bus, type BusMessage, publishFailure } from './bus/port.js';
import { sortOut } from './bus/subjects.js';
import type { Database, Tx } from './database.js';
import { record } from './feed.js';
import { newId } from './id.js';
import { leasePosition } from './lease.js';
import { enqueue, type OutboxLetter, startOutbox } from './outbox.js';
import { startRelay } from './relay.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  await context.asOwner('create table probe.dead (reason text not null)');
  db = context.app({ poolSize: 12 });
});
afterAll(() => context.drop());
beforeEach(async () => {
  for (const table of ['feed', 'lease', 'outbox', 'dead']) await db.unsafe(`delete from ${table}`);
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 15_000;
  while (!(await done())) {
    if (performance.now() > limit) throw new Error('waited 15 s in vain');
    await pause(10);
  }
}

/** What a stream keeps: messages in order of arrival, each id once. `before` may fail or delay a publish at one message. */
function stream() {
  const kept: BusMessage[] = [];
  const ids = new Set<string>();
  let connected = true;
  const bus = (before: (message: BusMessage) => Promise<void> = () => Promise.resolve()) =>
    ({
      async publish(messages: readonly BusMessage[]) {
        if (!connected)
          throw publishFailure(
            messages.map(({ id }) => ({ id, reason: 'away', permanent: false })),
            [],
          );
        const { refused } = sortOut(messages);
        if (refused.length > 0) throw publishFailure(refused, []);
        const acks: { id: string; duplicate: boolean }[] = [];
        for (const message of messages) {
          await before(message);
          acks.push({ id: message.id, duplicate: ids.has(message.id) });
          if (!ids.has(message.id)) kept.push(message);
          ids.add(message.id);
        }
        return acks;
      },
      health: () => ({ connected, detail: '' }),
    }) as unknown as Bus;
  const data = (prefix: string) =>
    kept.filter((m) => m.subject.startsWith(prefix)).map((m) => JSON.parse(m.data) as Record<string, unknown>);
  return {
    kept,
    bus,
    data,
    positions: () => data('dv.feed.').map((fact) => fact['pos']),
    connect: (now: boolean) => void (connected = now),
  };
}

const silent = (): void => undefined;
const common = { schema, context: schema, log: silent, pollMs: [10, 30] as const, holdMs: 300, batch: 20 };
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const change = (event: object | null = { id: 'thg_1' }, audit: object | null = { what: 1 }) => ({
  type: 'probe.thing.changed',
  resource: { type: 'probe.thing', id: newId(), version: 1 },
  scope: { tenantId: newId() },
  event,
  audit,
});
const changes = (n: number, from = 1): Promise<void> =>
  inTransaction(db, (tx) =>
    record(
      tx,
      schema,
      upTo(n).map((i) => change({ id: `thg_${from + i - 1}` })),
    ),
  );

test('each change goes out as a public event and as the row for audit, in order, and a wake is quicker than the poll', async () => {
  const out = stream();
  let poke: () => void = silent;
  const relay = startRelay({ ...common, db, bus: out.bus(), pollMs: [60_000, 60_000], wake: (wake) => (poke = wake) });
  await pause(100);
  await inTransaction(db, (tx) => record(tx, schema, [change(), change(null), change({ id: 'x' }, null)]));
  poke();
  await until(() => out.kept.length === 5);
  await relay.stop();
  expect(out.kept.map((m) => m.subject)).toEqual([
    'dv.evt.v1.probe.thing.changed',
    'dv.feed.v1.probe',
    'dv.feed.v1.probe',
    'dv.evt.v1.probe.thing.changed',
    'dv.feed.v1.probe',
  ]);
  expect(out.data('dv.evt.')[0]).toMatchObject({
    specversion: '1.0',
    id: expect.stringMatching(/^evt_/),
    source: '/sentral/probe',
    type: 'dev.dataverket.probe.thing.changed.v1',
    subject: 'probe.thing/thg_1',
    sequence: '1',
    resourceversion: expect.any(Number),
    tenantid: expect.stringMatching(/^tnt_/),
    data: { id: 'thg_1' },
  });
  expect(out.data('dv.feed.')).toMatchObject([
    { pos: 1, audit: { what: 1 }, event: { data: { id: 'thg_1' } } },
    { pos: 2, audit: { what: 1 }, event: null },
    { pos: 3 },
  ]);
  expect(out.data('dv.feed.')[2]).not.toHaveProperty('event');
  expect(out.kept[0]?.id).toBe(out.data('dv.evt.')[0]?.['id']);
  for (const event of out.data('dv.evt.')) expect(() => parseContent(cloudEventSchema, event)).not.toThrow();
  expect(await relay.lag()).toMatchObject({ unnumbered: 0, oldestSeconds: 0, unpublished: 0 });
});

test('a relay that dies in the middle of a batch loses nothing, and its successor keeps the order', async () => {
  const out = stream();
  const doomedDb = context.app({ poolSize: 2 });
  let dead = false;
  const doomed = startRelay({
    ...common,
    db: doomedDb,
    bus: out.bus(async () => {
      if (out.kept.length < 31) return;
      dead = true;
      await new Promise(() => undefined); // the process is gone: neither an answer nor an error
    }),
  });
  void doomed;
  await changes(100);
  await until(() => dead);
  await doomedDb.close(0);
  expect(await leasePosition(db, schema, 'feed.publish')).toBeLessThan(20);
  const heir = startRelay({ ...common, db, bus: out.bus() });
  const other = startRelay({ ...common, db, bus: out.bus() });
  await changes(50, 101);
  await until(() => out.positions().length === 150);
  await Promise.all([heir.stop(), other.stop()]);
  expect(out.positions()).toEqual(upTo(150));
  expect(out.data('dv.evt.').map((e) => (e['data'] as { id: string }).id)).toEqual(upTo(150).map((n) => `thg_${n}`));
});

test('a leader that was paused in its publish finds its epoch over and records nothing', async () => {
  const out = stream();
  let held = true;
  let waiting = false;
  let sent = 0;
  const paused = startRelay({
    ...common,
    db,
    bus: out.bus(async () => {
      waiting = true;
      sent += 1;
      while (held) await pause(5);
    }),
  });
  await changes(10);
  await until(() => waiting);
  await pause(350);
  const heir = startRelay({ ...common, db, bus: out.bus() });
  await until(() => out.positions().length === 10);
  await changes(5, 11);
  await until(() => out.positions().length === 15);
  await until(async () => (await leasePosition(db, schema, 'feed.publish')) === 15);
  held = false;
  await pause(200);
  // The batch it was in, at most the 10 rows with two messages each, and nothing after it.
  expect(sent).toBeLessThanOrEqual(20);
  expect(await leasePosition(db, schema, 'feed.publish')).toBe(15);
  await Promise.all([paused.stop(), heir.stop()]);
  expect(out.positions()).toEqual(upTo(15));
  // On a busy machine the heir may have lost its own short lease and claimed it again.
  const [lease] = await db.sql`select epoch from lease where name = 'feed.publish'`;
  expect(Number(lease?.['epoch'])).toBeGreaterThanOrEqual(2);
});

test('eight writers and two relays: every committed change arrives once, dense and in order', async () => {
  const out = stream();
  const relays = [startRelay({ ...common, db, bus: out.bus() }), startRelay({ ...common, db, bus: out.bus() })];
  await Promise.all(
    upTo(8).map(async () => {
      for (const _ of upTo(30)) {
        await inTransaction(db, async (tx) => {
          await record(tx, schema, change());
          await pause(Math.random() * 4);
        });
      }
    }),
  );
  await until(() => out.positions().length >= 240);
  await Promise.all(relays.map((relay) => relay.stop()));
  expect(out.positions()).toEqual(upTo(240));
});

test('a row that cannot be published holds the feed for ten tries, then its stub goes out and the positions stay dense', async () => {
  const out = stream();
  const logged: string[] = [];
  await inTransaction(db, (tx) =>
    record(tx, schema, [change(), change({ id: 'big', text: 'x'.repeat(600_000) }), change()]),
  );
  const relay = startRelay({ ...common, db, bus: out.bus(), log: (_level, message) => void logged.push(message) });
  await until(() => out.positions().length === 3);
  await relay.stop();
  expect(out.data('dv.feed.')).toMatchObject([{ pos: 1 }, { pos: 2, stub: true }, { pos: 3 }]);
  expect(logged.filter((message) => message === 'a feed row cannot be published')).toHaveLength(10);
  const dead = await db.sql`select pos, dead_reason as reason from feed where dead_reason is not null`;
  expect(dead).toMatchObject([{ pos: 2, reason: expect.stringContaining('bytes') }]);
});

test('while the bus is away no row is blamed, and all arrive when it is back', async () => {
  const out = stream();
  out.connect(false);
  const logged: string[] = [];
  const relay = startRelay({ ...common, db, bus: out.bus(), triesMax: 2, log: (level) => void logged.push(level) });
  await changes(30);
  await pause(400);
  expect(new Set(logged)).toEqual(new Set(['warn']));
  expect(out.kept).toEqual([]);
  out.connect(true);
  await until(() => out.positions().length === 30);
  await relay.stop();
  expect(await db.sql`select 1 from feed where dead_reason is not null`).toEqual([]);
});

const command = (n: number, more: object = {}) => ({
  subject: 'dv.cmd.v1.nett.port.attach.stp_1',
  messageId: `m${n}`,
  body: { n },
  aggregate: 'tsk_1',
  ...more,
});
const keepDead = async (tx: Tx, letter: OutboxLetter): Promise<void> =>
  void (await tx.sql`insert into dead (reason) values (${letter.messageId})`);
const outboxOf = (bus: Bus, more: object = {}) =>
  startOutbox({ db, schema, bus, log: silent, deadLetter: keepDead, pollMs: [10, 30], holdMs: 300, ...more });
const left = async (): Promise<number> => (await db.sql`select 1 from outbox`).length;

test('the outbox sends what was committed, in order per aggregate, and is empty after the acknowledgements', async () => {
  const out = stream();
  const boxes = [outboxOf(out.bus()), outboxOf(out.bus())];
  await Promise.all(
    upTo(8).map(async (task) => {
      for (const n of upTo(25)) {
        await inTransaction(db, async (tx) => {
          await enqueue(
            tx,
            schema,
            command(n, { aggregate: `tsk_${task}`, messageId: `${task}:${n}`, body: { task, n } }),
          );
          if (n % 5 === 0) throw new Error('decided otherwise');
        }).catch(() => undefined);
      }
    }),
  );
  await until(async () => (await left()) === 0);
  await Promise.all(boxes.map((box) => box.stop()));
  for (const task of upTo(8)) {
    expect(
      out
        .data('dv.cmd.')
        .filter((m) => m['task'] === task)
        .map((m) => m['n']),
    ).toEqual(upTo(25).filter((n) => n % 5 !== 0));
  }
});

test('a newer message of one operation takes the place of the one that still waits', async () => {
  const out = stream();
  await inTransaction(db, async (tx) => {
    await enqueue(tx, schema, command(1, { operation: 'stp_1' }));
    await enqueue(tx, schema, command(2));
    await enqueue(tx, schema, command(3, { operation: 'stp_1' }));
  });
  const box = outboxOf(out.bus());
  await until(async () => (await left()) === 0);
  await box.stop();
  expect(out.data('dv.cmd.').map((m) => m['n'])).toEqual([2, 3]);
});

test('a message replaced while its predecessor is on the way is not deleted with it', async () => {
  const out = stream();
  let replaced = false;
  await inTransaction(db, (tx) => enqueue(tx, schema, command(1, { operation: 'stp_1' })));
  const box = outboxOf(
    out.bus(async () => {
      if (replaced) return;
      replaced = true;
      await inTransaction(db, (tx) => enqueue(tx, schema, command(2, { operation: 'stp_1' })));
    }),
  );
  await until(async () => (await left()) === 0);
  await box.stop();
  expect(out.data('dv.cmd.').map((m) => m['n'])).toEqual([1, 2]);
});

test('a lane that was lost while its messages were on the way keeps them, and the other lanes do not', async () => {
  const out = stream();
  const aggregates = upTo(16).map((n) => `tsk_${n}`);
  await inTransaction(db, async (tx) => {
    for (const [n, aggregate] of aggregates.entries()) await enqueue(tx, schema, command(n, { aggregate }));
  });
  const [lost] = await db.sql`select lane from outbox order by id limit 1`;
  const inLane = await db.sql`select id from outbox where lane = ${lost?.['lane']} order by id`;
  let stolen = false;
  const box = outboxOf(
    out.bus(async () => {
      if (stolen) return;
      stolen = true;
      await db.sql`update lease set epoch = epoch + 1, until = now() + interval '1 hour' where name = ${`outbox.${String(lost?.['lane'])}`}`;
    }),
  );
  await until(async () => (await left()) === inLane.length);
  await box.stop();
  expect(inLane.length).toBeLessThan(aggregates.length);
  expect(await db.sql`select id from outbox order by id`).toEqual(inLane);
});

test('a message that can never be sent becomes a dead letter with its row, holds back only its aggregate, and the lane goes on', async () => {
  const out = stream();
  await inTransaction(db, async (tx) => {
    await enqueue(tx, schema, command(1, { subject: 'nobody.takes.this' }));
    await enqueue(tx, schema, command(2));
    await enqueue(tx, schema, command(3, { aggregate: 'tsk_2' }));
  });
  const box = outboxOf(out.bus(), { triesMax: 2 });
  await until(() => out.kept.length === 1);
  expect(out.data('dv.cmd.')[0]).toEqual({ n: 3 });
  await until(async () => (await left()) === 0);
  await box.stop();
  expect(out.data('dv.cmd.').map((m) => m['n'])).toEqual([3, 2]);
  expect(await db.sql`select reason from dead`).toEqual([{ reason: 'm1' }]);
});
