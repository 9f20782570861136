import { openNote, parseCheckpoint, parseNoteKey } from '@sentral/contracts/audit-note';
import { recordLeaf, rootOfLeaves, type Hash } from '@sentral/contracts/audit-proof';
import { encodeId } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSigner } from '../src/checkpoint/signer.js';
import { takeCheckpoint } from '../src/checkpoint/take.js';
import { createAuditLoops } from '../src/loops.js';
import { countViolations, invariants } from '../src/invariant/sql.js';
import { appendBatch } from '../src/sequence/append.js';
import { followFeed } from '../src/sequence/follow.js';
import { findConfirmedPos } from '../src/sequence/sql.js';
import { someFact, someFeed, somePlace, type Place } from './some-feed.js';

let place: Place;
beforeEach(async () => {
  place = await somePlace();
});
afterEach(() => place.end());

const follow = async (feed: ReturnType<typeof someFeed>, context = 'inventory') => {
  const lease = await place.lease();
  await followFeed(place.deps, { context, feed, hold: async () => lease });
};
const rows = (text: string) => place.admin.unsafe(text);
const broken = async () => {
  const found = [];
  for (const each of invariants) found.push(await countViolations(place.admin, each));
  return found.filter(({ violations }) => violations > 0);
};
const hashesOf = async (logId: string): Promise<Hash[]> => {
  const found = await rows(`select record from audit.record where log_id = '${logId}' order by seq`);
  return Promise.all(found.map((row) => recordLeaf(row['record'] as object)));
};

test('facts go on record in their order, each tenant in a log of its own, and what stands in the row is what the leaf is of', async () => {
  const tenants = [encodeId('tnt', newId()), encodeId('tnt', newId()), undefined];
  const facts = Array.from({ length: 700 }, (_, at) => {
    const tenantId = tenants[at % 3];
    return someFact(at + 1, tenantId === undefined ? {} : { tenantId });
  });
  await follow(someFeed(facts));
  expect(await findConfirmedPos(place.deps.db.app, 'inventory')).toBe(700);
  const logs = await rows(`select id, kind, size, audit.root_of(stack) as root from audit.log where kind <> 'heads'`);
  expect(logs.map((log) => Number(log['size'])).toSorted((a, b) => a - b)).toEqual([233, 233, 234]);
  for (const log of logs) {
    const leaves = await hashesOf(String(log['id']));
    const stored = await rows(`select leaf from audit.record where log_id = '${String(log['id'])}' order by seq`);
    expect(stored.map((row) => Buffer.from(row['leaf'] as Buffer).toString('hex'))).toEqual(
      leaves.map((leaf) => Buffer.from(leaf).toString('hex')),
    );
    // The tree that the database grows is the reference's.
    expect(new Uint8Array(log['root'] as Buffer)).toEqual(await rootOfLeaves(leaves));
  }
  const [one] = await rows(
    `select r.*, l.tenant_id as owner from audit.record r join audit.log l on l.id = r.log_id order by r.id limit 1`,
  );
  expect(one).toMatchObject({
    seq: 0,
    class: 'change',
    outcome: 'success',
    tenant_id: one?.['owner'],
    resource_version: 1,
  });
  expect(await broken()).toEqual([]);
});

test('the roots of whole subtrees of 256 leaves are kept, and are those of the reference', async () => {
  await follow(someFeed(Array.from({ length: 600 }, (_, at) => someFact(at + 1))));
  const [log] = await rows(`select id from audit.log where kind = 'platform'`);
  const leaves = await hashesOf(String(log?.['id']));
  const tiles = await rows('select level, index, hash from audit.tile order by index');
  expect(tiles.map(({ level, index }) => [level, index])).toEqual([
    [1, 0],
    [1, 1],
  ]);
  for (const [at, tile] of tiles.entries())
    expect(new Uint8Array(tile['hash'] as Buffer)).toEqual(await rootOfLeaves(leaves.slice(at * 256, at * 256 + 256)));
});

test('a fact without an audit part moves the position and nothing else', async () => {
  await follow(someFeed([someFact(1, { audit: null }), someFact(2, { audit: null })]));
  expect(await findConfirmedPos(place.deps.db.app, 'inventory')).toBe(2);
  expect(await rows('select from audit.record')).toHaveLength(0);
});

describe('what comes again', () => {
  test('changes nothing: the same page, the same facts at other positions, two sequencers at once', async () => {
    const facts = Array.from({ length: 20 }, (_, at) => someFact(at + 1));
    await follow(someFeed(facts));
    const before = await rows('select id, size, stack from audit.log order by id');
    await follow(someFeed(facts));
    await follow(someFeed(facts), 'restored');
    expect(await rows('select id, size, stack from audit.log order by id')).toEqual(before);
    expect(await findConfirmedPos(place.deps.db.app, 'restored')).toBe(20);
    const lease = await place.lease();
    const batch = { context: 'inventory', afterPos: 0, items: facts };
    await expect(appendBatch(place.deps, lease, batch)).rejects.toThrow(/does not follow/);
  });

  test('of twenty that append the same batch at once, one does', async () => {
    const lease = await place.lease();
    await follow(someFeed([someFact(1)]));
    const batch = { context: 'inventory', afterPos: 1, items: [someFact(2), someFact(3)] };
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => appendBatch(place.deps, lease, batch)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await rows('select from audit.record')).toHaveLength(3);
    expect(await broken()).toEqual([]);
  });
});

test('a sequencer whose lease is another one by then appends nothing', async () => {
  const lease = await place.lease();
  const gone = { ...lease, epoch: lease.epoch - 1 };
  expect(await appendBatch(place.deps, gone, { context: 'inventory', afterPos: 0, items: [someFact(1)] })).toBe(false);
  expect(await rows('select from audit.record')).toHaveLength(0);
});

test('a gap in a feed stops it there, with an alarm, and stops no other', async () => {
  const facts = [someFact(1), someFact(2), someFact(4)];
  await follow(someFeed(facts.slice(0, 2)));
  await follow(someFeed(facts));
  await follow(someFeed(facts, 3));
  expect(await findConfirmedPos(place.deps.db.app, 'inventory')).toBe(2);
  expect(place.told.filter((line) => line === 'audit_feed_gap')).toHaveLength(2);
  expect(place.told).toContain('error: a feed has a gap: nothing after it goes on record');
  await follow(someFeed([someFact(1)]), 'tenancy');
  expect(await findConfirmedPos(place.deps.db.app, 'tenancy')).toBe(1);
});

test('a transaction that ends before its commit leaves no record, no position and no leaf, and the next one goes on', async () => {
  const facts = [someFact(1), someFact(2)];
  const lost = inTransaction(place.deps.db.app, async (tx) => {
    await tx.unsafe(`select audit.append('inventory', 0, 2, '[]')`);
    await tx.unsafe('select pg_terminate_backend(pg_backend_pid())');
  });
  await expect(lost).rejects.toThrow();
  await follow(someFeed(facts));
  expect(await rows('select from audit.record')).toHaveLength(2);
  expect(await broken()).toEqual([]);
});

test('twenty writers of one tenant: every change is on record once, and the log is dense', async () => {
  const tenantId = encodeId('tnt', newId());
  const facts: FeedItem[] = [];
  let wanted = 0;
  const loops = createAuditLoops(place.deps, {
    feeds: { inventory: someFeed(facts) },
    signer: createSigner(randomBytes(32)),
    emit: () => undefined,
    pollMs: [1, 5],
  });
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let at = 0; at < 25; at += 1) {
        facts.push(someFact(facts.length + 1, { tenantId }));
        wanted += 1;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      }
    }),
  );
  await expect.poll(() => findConfirmedPos(place.deps.db.app, 'inventory'), { timeout: 20_000 }).toBe(wanted);
  await Promise.all(loops.map((loop) => loop.stop()));
  expect(await rows(`select from audit.record`)).toHaveLength(wanted);
  expect(await broken()).toEqual([]);
  expect(place.told.filter((line) => !line.startsWith('debug'))).toEqual([]);
});

describe('checkpoints', () => {
  const emitted: { note: string; key: string }[] = [];
  const seed = randomBytes(32);
  const take = async (afterSeconds = 0) =>
    takeCheckpoint(place.deps, await place.lease(), {
      signer: createSigner(seed),
      emit: (checkpoint) => emitted.push(checkpoint),
      afterSeconds,
    });
  beforeEach(() => emitted.splice(0));

  test('the signed head is of all heads, and each head is the root of its log as it was', async () => {
    await take();
    expect(emitted).toEqual([]);
    const tenantId = encodeId('tnt', newId());
    const facts = [someFact(1), someFact(2, { tenantId }), someFact(3, { tenantId })];
    await follow(someFeed(facts));
    await take();
    const more = [...facts, someFact(4, { tenantId })];
    await follow(someFeed(more));
    await take();
    expect(emitted).toHaveLength(2);
    const heads = await rows(
      'select h.*, l.origin from audit.head h join audit.log l on l.id = h.log_id order by h.seq',
    );
    expect(heads.map((head) => Number(head['size'])).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    const leaves = heads.map((head) => new Uint8Array(head['leaf'] as Buffer));
    for (const [at, size] of [2, 3].entries()) {
      const { note = '', key = '' } = emitted[at] ?? {};
      const opened = await parseNoteKey(key);
      const text = opened && (await openNote(note, opened));
      const signed = parseCheckpoint(text ?? '');
      expect(signed).toMatchObject({ size, root: await rootOfLeaves(leaves.slice(0, size)) });
    }
    for (const head of heads) {
      const inLog = (await hashesOf(String(head['log_id']))).slice(0, Number(head['size']));
      expect(new Uint8Array(head['root'] as Buffer)).toEqual(await rootOfLeaves(inLog));
    }
    const kept = await rows('select note from audit.checkpoint order by id');
    expect(kept.map((row) => row['note'])).toEqual(emitted.map(({ note }) => note));
  });

  test('nothing is signed before its time, and a quiet hour is signed too', async () => {
    await follow(someFeed([someFact(1)]));
    await take();
    await take();
    expect(emitted).toHaveLength(1);
    await follow(someFeed([someFact(1), someFact(2)]));
    await take(3600);
    expect(emitted).toHaveLength(1);
    await inTransaction(place.admin, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(`update audit.checkpoint set signed_at = signed_at - interval '61 minutes'`);
    });
    await take(3600);
    await take();
    expect(emitted).toHaveLength(2);
  });

  test('a note of a state that the heads are not in is not kept', async () => {
    await follow(someFeed([someFact(1)]));
    await take();
    await expect(
      place.deps.db.app.unsafe(`select audit.keep_checkpoint(gen_random_uuid(), 1, sha256('x'), 'note')`),
    ).rejects.toThrow(/the heads are not these/);
  });
});
