import { decodeId, encodeId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAudit } from '../src/index.js';
import { createKeyring, createSeal, isKeyMissing } from '../src/seal.js';
import { appendBatch } from '../src/sequence/append.js';
import { followFeed } from '../src/sequence/follow.js';
import { findConfirmedPos } from '../src/sequence/sql.js';
import { rewrapKeys } from '../src/subject/keys.js';
import { verifyAudit } from '../src/verify/verify.js';
import { everyone, someFact, someFeed, someKeys, somePlace, type Place } from './some-feed.js';

let place: Place;
beforeAll(async () => {
  place = await somePlace();
});
afterAll(() => place.end());

const ring = (fill: number, purpose: 'feed' | 'subject') => createKeyring([new Uint8Array(32).fill(fill)], purpose);
const by = (pos: number, who: string, seal = createSeal(someKeys.feed)) => {
  const fact = someFact(pos);
  const request = { id: encodeId('req', newId()), operation: 'op', sealed: seal({ source: { ip: '192.0.2.7' } }) };
  return { ...fact, audit: { ...fact.audit, principal: { id: who, type: 'user' }, request } };
};
const someone = () => encodeId('usr', newId());
const audOf = ({ id }: { id: string }) => encodeId('aud', decodeId('evt', id));
const states = async (item: { id: string }) =>
  (await createAudit(place.deps).record.personal(everyone, { id: audOf(item) })).parts.map(({ state }) => state);

test('redacted and erased records verify; a changed digest is found; erasing races with sealing and nothing of the person stays', async () => {
  const [ada, bob] = [someone(), someone()];
  const audit = createAudit(place.deps);
  const facts = [by(1, ada), by(2, bob), by(3, bob)];
  const lease = await place.lease();
  await appendBatch(place.deps, lease, { context: 'inventory', afterPos: 0, items: facts });
  const [first, second, third] = facts as [(typeof facts)[0], (typeof facts)[0], (typeof facts)[0]];
  expect(await Promise.all(facts.map(states))).toEqual([['shown'], ['shown'], ['shown']]);
  await audit.record.redact(everyone, { id: audOf(second), reason: 'CASE-1' });
  const late = Array.from({ length: 20 }, (_, at) => by(4 + at, ada));
  await Promise.all([
    audit.subject.erase(everyone, { id: ada }),
    appendBatch(place.deps, lease, { context: 'inventory', afterPos: 3, items: late }),
  ]);
  expect(await Promise.all([first, second, third].map(states))).toEqual([['erased'], ['redacted'], ['shown']]);
  expect(new Set((await Promise.all(late.map(states))).flat())).toEqual(new Set(['erased']));
  await appendBatch(place.deps, lease, { context: 'inventory', afterPos: 23, items: [by(24, ada)] });
  const [row] = await place.admin.unsafe(`select sealed from audit.record order by id desc limit 1`);
  expect(row).toEqual({ sealed: [] });
  expect((await verifyAudit(place.admin)).findings).toEqual([]);
  const planted = await inTransaction(
    place.admin,
    async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(`update audit.record set record = jsonb_set(record, '{sealed,0,digest}', '"x"') where seq = 1`);
      return verifyAudit(tx);
    },
    { rollback: true },
  );
  expect(planted.findings[0]).toMatchObject({ seq: 1, what: 'the record is not what its leaf says' });
});

test('ciphertext that is gone without a redaction or an erasure on record is found, by its place', async () => {
  const planted = (statement: string) =>
    inTransaction(
      place.admin,
      async (tx) => {
        await tx.unsafe('set local session_replication_role = replica');
        await tx.unsafe(statement);
        return (await verifyAudit(tx)).findings;
      },
      { rollback: true },
    );
  const third = 'log_id = (select log_id from audit.record where seq = 2 limit 1) and seq = 2';
  expect(await planted(`update audit.record set sealed = null where ${third}`)).toMatchObject([
    { seq: 2, what: expect.stringMatching(/no redaction is on record$/) },
  ]);
  expect(await planted(`update audit.record set sealed = '[]' where ${third}`)).toMatchObject([
    { seq: 2, what: 'what is said of the actor is gone, who was not erased' },
  ]);
  // The redaction that is on its way to record accounts for the second one: without it, that is found too.
  expect(await planted(`delete from audit.feed where type = 'audit.record.redacted'`)).toMatchObject([{ seq: 1 }]);
});

test('nobody redacts past the function, nor with it when the feed does not tell of it', async () => {
  const { app } = place.deps.db;
  const id = `(select id from audit.record where sealed is not null limit 1)`;
  await expect(app.unsafe(`update audit.record set sealed = null`)).rejects.toThrow(/permission denied/);
  await expect(app.unsafe(`select audit.redact(${id})`)).rejects.toThrow(/has no feed row/);
  const forged = inTransaction(place.admin, async (tx) => {
    await tx.unsafe(`select set_config('audit.redacting', ${id}::text, true)`);
    await tx.unsafe(`update audit.record set sealed = null, action = 'x' where id = ${id}`);
  });
  await expect(forged).rejects.toThrow(/stays as it is/);
});

test('a feed waits for its key and goes on with it; a new key of the instance takes over what the old one wrapped', async () => {
  const lease = await place.lease();
  const feed = someFeed([by(1, someone()), by(2, someone(), createSeal(ring(9, 'feed'))), by(3, someone())]);
  const follow = (deps = place.deps) => followFeed(deps, { context: 'task', feed, hold: async () => lease });
  await expect(follow()).rejects.toSatisfy(isKeyMissing);
  expect(await findConfirmedPos(place.deps.db.app, 'task')).toBe(0);
  const both = createKeyring(
    [9, 1].map((fill) => new Uint8Array(32).fill(fill)),
    'feed',
  );
  await follow({ ...place.deps, keys: { ...someKeys, feed: both } });
  expect(await findConfirmedPos(place.deps.db.app, 'task')).toBe(3);

  const next = createKeyring(
    [8, 2].map((fill) => new Uint8Array(32).fill(fill)),
    'subject',
  );
  await rewrapKeys({ ...place.deps, keys: { ...someKeys, instance: next } });
  const [old] = await place.admin.unsafe(`select count(*)::int as n from audit.subject_key where key_id <> $1`, [
    next.id,
  ]);
  expect(old).toEqual({ n: 0 });
  await expect(rewrapKeys({ ...place.deps, keys: { ...someKeys, instance: ring(7, 'subject') } })).rejects.toSatisfy(
    isKeyMissing,
  );
});
