import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../test/kernel-schema.js';
import type { Database } from './database.js';
import {
  advanceLease,
  claimLease,
  leasePosition,
  lockLease,
  lockName,
  releaseLease,
  renewLease,
  tryLockKeys,
} from './lease.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  db = context.app({ poolSize: 20 });
});
afterAll(() => context.drop());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('of twenty that want one lease, one gets it, and a free lease begins the next epoch', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, () => claimLease(db, schema, 'one', { holdMs: 60_000 })));
  const won = claims.filter((claim) => claim !== undefined);
  expect(won).toEqual([{ name: 'one', epoch: 1 }]);
  await releaseLease(db, schema, { name: 'one', epoch: 1 });
  expect(await claimLease(db, schema, 'one', { holdMs: 60_000 })).toEqual({ name: 'one', epoch: 2 });
  await releaseLease(db, schema, { name: 'one', epoch: 1 });
  expect(await claimLease(db, schema, 'one', { holdMs: 60_000 })).toBeUndefined();
});

test('a leader that was paused past its lease can write nothing with its old epoch', async () => {
  const paused = await claimLease(db, schema, 'paused', { holdMs: 30 });
  if (paused === undefined) throw new Error('the lease was free');
  expect(await advanceLease(db, schema, { ...paused, holdMs: 30, position: 5 })).toBe(true);
  await pause(60);
  const next = await claimLease(db, schema, 'paused', { holdMs: 60_000 });
  expect(next?.epoch).toBe(2);
  expect(await renewLease(db, schema, { ...paused, holdMs: 60_000 })).toBe(false);
  expect(await advanceLease(db, schema, { ...paused, holdMs: 30, position: 9 })).toBe(false);
  expect(await inTransaction(db, (tx) => lockLease(tx, schema, paused))).toBe(false);
  expect(await leasePosition(db, schema, 'paused')).toBe(5);
});

test('a claim waits for the transaction of the leader that still holds its epoch', async () => {
  const held = await claimLease(db, schema, 'busy', { holdMs: 20 });
  if (held === undefined) throw new Error('the lease was free');
  const order: string[] = [];
  const work = inTransaction(db, async (tx) => {
    expect(await lockLease(tx, schema, held)).toBe(true);
    await pause(150);
    order.push('work done');
  });
  await pause(60);
  const claim = claimLease(db, schema, 'busy', { holdMs: 1000 }).then(() => order.push('claimed'));
  await Promise.all([work, claim]);
  expect(order).toEqual(['work done', 'claimed']);
});

test('a position never goes back', async () => {
  const lease = await claimLease(db, schema, 'forward', { holdMs: 60_000 });
  if (lease === undefined) throw new Error('the lease was free');
  expect(await advanceLease(db, schema, { ...lease, holdMs: 1000, position: 7 })).toBe(true);
  expect(await advanceLease(db, schema, { ...lease, holdMs: 1000, position: 6 })).toBe(false);
});

test('locks of one name exclude each other within a context and not across contexts', async () => {
  await inTransaction(db, async (tx) => {
    await lockName(tx, schema, 'n');
    expect(await tryLockKeys(tx, schema, ['a', 'b'])).toEqual([true, true]);
    await inTransaction(db, async (other) => {
      await lockName(other, 'elsewhere', 'n');
      expect(await tryLockKeys(other, schema, ['b', 'c'])).toEqual([false, true]);
      expect(await tryLockKeys(other, 'elsewhere', ['a', 'b'])).toEqual([true, true]);
    });
  });
});
