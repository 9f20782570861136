import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKernelSchema, type KernelSchema, schema } from '../test/kernel-schema.js';
import type { Database } from './database.js';
import { newId } from './id.js';
import {
  idempotent,
  type IdempotencyKey,
  lookUpKeys,
  purgeIdempotency,
  storedResult,
  storeResults,
} from './idempotency.js';
import { once, purgeInbox } from './inbox.js';
import { inTransaction } from './transaction.js';

let context: KernelSchema;
let db: Database;
beforeAll(async () => {
  context = await createKernelSchema(inject('postgresUrl'));
  await context.asOwner('create table probe.effect (key text not null)');
  db = context.app({ poolSize: 30 });
});
afterAll(() => context.drop());

const keyOf = (key: string, fingerprint = 'f'): IdempotencyKey => ({
  scope: 'usr_1 POST /v1/things',
  key,
  fingerprint,
});
const act = (key: IdempotencyKey, result: unknown = { made: key.key }, fail = false) =>
  inTransaction(db, (tx) =>
    idempotent(tx, schema, key, async () => {
      await tx.sql`insert into effect (key) values (${key.key})`;
      if (fail) throw new Error('refused');
      return result;
    }),
  );
const effects = async (key: string): Promise<number> => (await db.sql`select 1 from effect where key = ${key}`).length;
const codeOf = (error: unknown): unknown => (error as { code?: string }).code ?? error;

test('of sixty simultaneous requests with one key one acts, and the others hear that it is in progress or its result', async () => {
  const answers = await Promise.all(Array.from({ length: 60 }, () => act(keyOf('sixty')).catch(codeOf)));
  expect(await effects('sixty')).toBe(1);
  expect(
    answers.filter((a) => typeof a === 'object' && a !== null && 'replayed' in a && a.replayed === false),
  ).toHaveLength(1);
  const served = answers.filter((answer) => answer !== 'idempotency-in-progress');
  expect(served.every((answer) => (answer as { result: { made: string } }).result.made === 'sixty')).toBe(true);
  expect(await db.sql`select 1 from idempotency where key = 'sixty'`).toHaveLength(1);
});

test('a repetition gets the stored result and another request under the key is refused', async () => {
  expect(await act(keyOf('again'))).toEqual({ result: { made: 'again' }, replayed: false });
  expect(await act(keyOf('again'), 'never returned')).toEqual({ result: { made: 'again' }, replayed: true });
  await expect(act(keyOf('again', 'other'))).rejects.toMatchObject({ code: 'idempotency-key-reused', status: 422 });
  expect(await effects('again')).toBe(1);
});

test('a verb that answers nothing is replayed too', async () => {
  expect(await act(keyOf('nothing'), null)).toEqual({ result: null, replayed: false });
  expect(await act(keyOf('nothing'), 'x')).toEqual({ result: null, replayed: true });
});

test('what failed is not stored, so a retry acts', async () => {
  await expect(act(keyOf('failed'), 1, true)).rejects.toThrow('refused');
  expect(await act(keyOf('failed'))).toMatchObject({ replayed: false });
  expect(await effects('failed')).toBe(1);
});

test('a request without a key simply acts', async () => {
  expect(await inTransaction(db, (tx) => idempotent(tx, schema, undefined, async () => 5))).toEqual({
    result: 5,
    replayed: false,
  });
});

test('an expired key is free again, and is purged', async () => {
  await act(keyOf('old'));
  await db.sql`update idempotency set expires_at = now() - interval '1 second' where key = 'old'`;
  expect(await act(keyOf('old', 'new fingerprint'))).toMatchObject({ replayed: false });
  expect(await effects('old')).toBe(2);
  await db.sql`update idempotency set expires_at = now() where key = 'old'`;
  expect(await purgeIdempotency(db, schema)).toBe(1);
  expect(await storedResult(db, schema, keyOf('old', 'new fingerprint'))).toBeUndefined();
});

test('an intent holds the minted id until the result is stored', async () => {
  const key = keyOf('intent');
  const mintedId = newId();
  await inTransaction(db, (tx) => storeResults(tx, schema, [{ ...key, mintedId }]));
  expect(await storedResult(db, schema, key)).toBeUndefined();
  expect(await inTransaction(db, (tx) => lookUpKeys(tx, schema, [key]))).toEqual([{ state: 'new', mintedId }]);
  expect(await act(key)).toMatchObject({ replayed: false });
  expect(await act(key)).toMatchObject({ replayed: true });
  expect(await storedResult(db, schema, key)).toEqual({ result: { made: 'intent' } });
  expect(await db.sql`select minted_id as "mintedId" from idempotency where key = 'intent'`).toEqual([{ mintedId }]);
});

test('a batch of keys is judged one by one: done, new, reused, and held by another', async () => {
  await act(keyOf('b-done'));
  await inTransaction(db, async (holder) => {
    await lookUpKeys(holder, schema, [keyOf('b-held')]);
    await inTransaction(db, async (tx) => {
      const verdicts = await lookUpKeys(tx, schema, [
        keyOf('b-new'),
        keyOf('b-done'),
        keyOf('b-held'),
        keyOf('b-done2', 'x'),
      ]);
      expect(verdicts.map((v) => (v.state === 'refused' ? v.problem.code : v.state))).toEqual([
        'new',
        'done',
        'idempotency-in-progress',
        'new',
      ]);
      await storeResults(tx, schema, [
        { ...keyOf('b-new'), result: 1 },
        { ...keyOf('b-done2', 'x'), result: [2] },
      ]);
    });
  });
  expect(await storedResult(db, schema, keyOf('b-done2', 'x'))).toEqual({ result: [2] });
  await expect(inTransaction(db, (tx) => lookUpKeys(tx, schema, [keyOf('same'), keyOf('same', 'y')]))).rejects.toThrow(
    'collapsed',
  );
});

test('the primary key judges last: a result that was stored meanwhile takes the whole transaction back', async () => {
  await act(keyOf('late'));
  await expect(
    inTransaction(db, async (tx) => {
      await tx.sql`insert into effect (key) values ('late')`;
      await storeResults(tx, schema, [{ ...keyOf('late'), result: 'second' }]);
    }),
  ).rejects.toMatchObject({ code: 'idempotency-in-progress' });
  expect(await effects('late')).toBe(1);
});

test('a message that is delivered twenty times at once has one effect, and none when its transaction is rolled back', async () => {
  const message = { consumer: 'listen', messageId: 'evt_1' };
  expect(await inTransaction(db, (tx) => once(tx, schema, message), { rollback: true })).toBe(true);
  const firsts = await Promise.all(
    Array.from({ length: 20 }, () => inTransaction(db, (tx) => once(tx, schema, message))),
  );
  expect(firsts.filter(Boolean)).toHaveLength(1);
  expect(await inTransaction(db, (tx) => once(tx, schema, { ...message, consumer: 'other' }))).toBe(true);
  await db.sql`update inbox set received_at = now() - interval '31 days' where consumer = 'other'`;
  expect(await purgeInbox(db, schema)).toBe(1);
});
