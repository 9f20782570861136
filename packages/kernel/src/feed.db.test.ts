import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../test/kernel-schema.js';
import type { Database } from './database.js';
import { feedPage, numberFeed, record, restoreFeed, unnumberedSince } from './feed.js';
import { newId } from './id.js';
import { withTraceparent } from './telemetry.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  db = context.app({ poolSize: 14 });
});
afterAll(() => context.drop());
beforeEach(async () => {
  await db.sql`delete from feed`;
  await db.sql`delete from lease`;
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const change = (id = newId(), version = 1) => ({
  type: 'probe.thing.changed',
  resource: { type: 'probe.thing', id, version },
  event: { id },
  audit: null,
});
const positions = async (): Promise<readonly number[]> => (await feedPage(db, schema, 0, 1000)).map((row) => row.pos);
const upTo = (n: number, from = 1): readonly number[] => Array.from({ length: n }, (_, i) => from + i);

test('with eight writers, reading by seq loses rows, and reading by position loses none and keeps each in order', async () => {
  const perWriter = 60;
  const total = 8 * perWriter;
  const bySeq = new Set<number>();
  const byPos: string[] = [];
  let writing = true;
  let lastSeq = 0;
  let lastPos = 0;
  const written: string[][] = [];

  const naiveRead = async (): Promise<void> => {
    for (const row of await db.unsafe('select seq from feed where seq > $1 order by seq', [lastSeq])) {
      lastSeq = Number(row['seq']);
      bySeq.add(lastSeq);
    }
  };
  const read = async (): Promise<void> => {
    for (const row of await feedPage(db, schema, lastPos, 100)) {
      expect(row.pos).toBe(lastPos + 1);
      lastPos = row.pos;
      byPos.push(row.id);
    }
  };
  const writers = upTo(8).map(async () => {
    const mine: string[] = [];
    written.push(mine);
    for (const _ of upTo(perWriter)) {
      const id = newId();
      await inTransaction(db, async (tx) => {
        await record(tx, schema, { ...change(), id });
        await pause(Math.random() * 6);
      });
      mine.push(id);
    }
  });
  const readers = [
    async () => {
      while (writing) {
        await naiveRead();
        await pause(1);
      }
    },
    async () => {
      while (writing) {
        await numberFeed(db, schema, 50);
        await read();
        await pause(1);
      }
    },
    // A second numberer: the lock alone keeps the positions dense.
    async () => {
      while (writing) {
        await numberFeed(db, schema, 7);
        await pause(2);
      }
    },
  ].map((each) => each());
  await Promise.all(writers);
  writing = false;
  await Promise.all(readers);
  await naiveRead();
  while ((await numberFeed(db, schema, 100)) > 0);
  for (let before = -1; before < lastPos;) {
    before = lastPos;
    await read();
  }

  // The oracle: the old way does lose rows in this very run, so a run without loss is no accident.
  expect(bySeq.size).toBeLessThan(total);
  console.info(`by seq ${total - bySeq.size} of ${total} lost, by position ${total - new Set(byPos).size}`);
  expect(byPos).toHaveLength(total);
  expect(new Set(byPos)).toEqual(new Set(written.flat()));
  for (const mine of written) expect(byPos.filter((id) => mine.includes(id))).toEqual(mine);
});

test('who writes first and waits comes behind the change that it waited for, also while another keeps that one back', async () => {
  const turns = upTo(4).map(() => {
    let take: () => void = () => undefined;
    return { taken: new Promise<void>((resolve) => (take = resolve)), take: () => take() };
  });
  const [began, other, released, stood] = turns as [Turn, Turn, Turn, Turn];
  const resource = change();
  const [first, second] = [newId(), newId()];
  // Its transaction id is the oldest of the three, its change the last.
  const waited = inTransaction(db, async (tx) => {
    await tx.unsafe('select pg_current_xact_id()');
    began.take();
    await released.taken;
    await record(tx, schema, { ...resource, id: second, resource: { ...resource.resource, version: 2 } });
  });
  await began.taken;
  const open = inTransaction(db, async (tx) => {
    await tx.unsafe('select pg_current_xact_id()');
    other.take();
    await stood.taken;
  });
  await other.taken;
  await inTransaction(db, (tx) => record(tx, schema, { ...resource, id: first }));
  released.take();
  await waited;
  expect(await numberFeed(db, schema, 100)).toBe(0);
  stood.take();
  await open;
  expect(await numberFeed(db, schema, 100)).toBe(2);
  expect((await feedPage(db, schema, 0, 10)).map((row) => row.id)).toEqual([first, second]);
});

interface Turn {
  readonly taken: Promise<void>;
  readonly take: () => void;
}

test('an open transaction that began to write first holds back what committed after it', async () => {
  let finish: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (finish = resolve));
  let wrote: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (wrote = resolve));
  const early = newId();
  const slow = inTransaction(db, async (tx) => {
    await record(tx, schema, { ...change(), id: early });
    wrote();
    await held;
  });
  await begun;
  const late = newId();
  await inTransaction(db, (tx) => record(tx, schema, { ...change(), id: late }));
  expect(await numberFeed(db, schema, 100)).toBe(0);
  expect(await feedPage(db, schema, 0, 10)).toEqual([]);
  // What waits behind it is told all the same, by its own time.
  const [waiting] = await db.unsafe(`select recorded_at as at from ${schema}.feed where pos is null`);
  expect(await unnumberedSince(db, schema)).toEqual(waiting?.['at']);
  finish();
  await slow;
  expect(await numberFeed(db, schema, 100)).toBe(2);
  expect((await feedPage(db, schema, 0, 10)).map((row) => row.id)).toEqual([early, late]);
  expect(await unnumberedSince(db, schema)).toBeUndefined();
});

test('rows of one transaction keep the order in which they were given', async () => {
  const ids = upTo(300).map(() => newId());
  const shuffled = ids.toSorted(() => Math.random() - 0.5);
  await inTransaction(db, (tx) =>
    record(
      tx,
      schema,
      shuffled.map((id) => ({ ...change(), id })),
    ),
  );
  await numberFeed(db, schema, 1000);
  expect((await feedPage(db, schema, 0, 1000)).map((row) => row.id)).toEqual(shuffled);
});

test('a rolled back transaction leaves a hole in seq and none in the positions', async () => {
  for (const n of upTo(6)) {
    await inTransaction(db, async (tx) => {
      await record(tx, schema, change());
      if (n % 2 === 0) throw new Error('refused');
    }).catch(() => undefined);
  }
  await numberFeed(db, schema, 100);
  expect(await positions()).toEqual([1, 2, 3]);
});

test('positions go on after the rows that held them were dropped with their day', async () => {
  await inTransaction(db, (tx) => record(tx, schema, [change(), change()]));
  await numberFeed(db, schema, 100);
  await db.sql`delete from feed`;
  await inTransaction(db, (tx) => record(tx, schema, change()));
  await numberFeed(db, schema, 100);
  expect(await positions()).toEqual([3]);
});

test('a row comes back as it was recorded, with the trace it was recorded under', async () => {
  const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`;
  const given = {
    id: newId(),
    type: 'probe.thing.changed',
    resource: { type: 'probe.thing', id: newId(), version: 3 },
    scope: { tenantId: newId(), projectId: newId(), environmentId: newId() },
    event: { id: 'x', text: 'a "quoted" \\ ☃', none: null },
    audit: { before: null, after: [1, 2] },
    causation: 'evt_1',
  };
  await withTraceparent(traceparent, () =>
    inTransaction(db, (tx) => record(tx, schema, [given, { ...change(), scope: {} }])),
  );
  await numberFeed(db, schema, 10);
  const [first, second] = await feedPage(db, schema, 0, 10);
  expect(first).toEqual({ ...given, pos: 1, traceparent, recordedAt: expect.any(Date) });
  expect(second).toMatchObject({ scope: {}, audit: null });
  expect(second).not.toHaveProperty('causation');
});

test('after a restore into a younger cluster nothing waits for ever and numbering goes on densely', async () => {
  await inTransaction(db, (tx) => record(tx, schema, [change(), change()]));
  await numberFeed(db, schema, 100);
  await inTransaction(db, (tx) => record(tx, schema, [change(), change(), change()]));
  // What a dump carries along: transaction ids of a cluster that was far ahead.
  await context.admin.unsafe(`update probe.feed set xid = '9999999999' where pos is null`);
  expect(await numberFeed(db, schema, 100)).toBe(0);
  const restored = await inTransaction(context.admin, (tx) => restoreFeed(tx, schema));
  expect(restored).toEqual({ nextPos: 3, waiting: 3 });
  expect(await numberFeed(db, schema, 100)).toBe(3);
  expect(await positions()).toEqual(upTo(5));
});

test('where audit has confirmed more than an older backup knows, numbering goes on after that and the lost range is named', async () => {
  await inTransaction(db, (tx) => record(tx, schema, [change(), change()]));
  await numberFeed(db, schema, 100);
  await inTransaction(db, (tx) => record(tx, schema, change()));
  const restored = await inTransaction(context.admin, (tx) => restoreFeed(tx, schema, 40));
  expect(restored).toEqual({ nextPos: 41, waiting: 1, lost: { from: 3, to: 40 } });
  await numberFeed(db, schema, 100);
  expect(await positions()).toEqual([1, 2, 41]);
});
