import { encodeId } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countContext, type Facts } from '../src/completeness/count.js';
import { createAudit } from '../src/index.js';
import { countAnew } from '../src/operate.js';
import { appendBatch } from '../src/sequence/append.js';
import { everyone, someFact, someFeed, somePlace, type Place } from './some-feed.js';

let place: Place;
const items: FeedItem[] = [];
const [whole, holed, cut, ahead, behind, gone, work] = Array.from({ length: 7 }, () => newId()) as [
  string, string, string, string, string, string, string,
]; // prettier-ignore
type Item = Awaited<ReturnType<Facts['versions']>>['items'][number];
const node = (uuid: string, version: number, changes = version): Item => ({
  type: 'inventory.node',
  id: encodeId('nod', uuid),
  version,
  changes,
});
/** What the context says that there is, a page of two at a time. */
let told: Item[] = [];
let unnumberedSince: string | undefined;
const feed = someFeed(items);
const facts: Facts = {
  page: async (caller, command) => ({
    ...(await feed.page(caller, command)),
    ...(unnumberedSince === undefined ? {} : { unnumberedSince }),
  }),
  versions: async (_caller, { cursor = '0' }) => {
    const at = Number(cursor);
    return {
      items: told.slice(at, at + 2),
      ...(at + 2 < told.length ? { nextCursor: String(at + 2) } : {}),
    };
  },
};
const count = () => countContext(place.deps, { context: 'inventory', facts, settleMs: 5 });
const again = () => countAnew(place.admin);
const status = async () => (await createAudit(place.deps, { results: true }).integrity.get(everyone, {})).contexts[0];
const tell = (uuid: string, version: number) =>
  items.push(someFact(items.length + 1, { resource: { type: 'inventory.node', id: encodeId('nod', uuid), version } }));

beforeAll(async () => {
  place = await somePlace();
  for (const uuid of [whole, holed, cut, ahead, behind, gone]) for (let v = 1; v <= 5; v += 1) tell(uuid, v);
  for (const version of [1, 4]) tell(work, version);
  await appendBatch(place.deps, await place.lease(), { context: 'inventory', afterPos: 0, items: [...items] });
});
afterAll(() => place.end());

test('facts that are all on record are counted page by page, and nothing is found', async () => {
  told = [whole, holed, cut, ahead, behind].map((uuid) => node(uuid, 5));
  told.push(node(work, 9, 2));
  await count();
  expect(await status()).toMatchObject({ context: 'inventory', missing: 0, checked: 6 });
  expect(place.told).toEqual([]);
  // Once a night is enough.
  told = [];
  await count();
  expect(await status()).toMatchObject({ checked: 6 });
});

test('what is still on its way is not missing: the round waits with the page until it is on record', async () => {
  tell(whole, 6);
  told = [node(whole, 6), node(holed, 5)];
  (items.at(-1) as { recordedAt: string }).recordedAt = new Date(Date.now() - 1_000).toISOString();
  await again();
  await count();
  expect((await status())?.finishedAt).toBeUndefined();
  await appendBatch(place.deps, await place.lease(), { context: 'inventory', afterPos: 32, items: items.slice(32) });
  await count();
  expect(await status()).toMatchObject({ missing: 0, checked: 2, finishedAt: expect.any(String) as string });
  expect(place.told).toEqual([]);
});

test('what waits for its number is on its way too: nothing is told of it before it has one', async () => {
  told = [node(whole, 7), node(holed, 5)];
  unnumberedSince = new Date(Date.now() - 60_000).toISOString();
  await again();
  await count();
  expect([(await status())?.finishedAt, place.told]).toEqual([undefined, []]);
  tell(whole, 7);
  unnumberedSince = undefined;
  await appendBatch(place.deps, await place.lease(), { context: 'inventory', afterPos: 33, items: items.slice(33) });
  await count();
  expect(await status()).toMatchObject({ missing: 0, checked: 2, finishedAt: expect.any(String) as string });
  expect(place.told).toEqual([]);
});

test('a record that is gone, an end that is cut off, a change that never came and a fact that went back are found, by resource and version', async () => {
  await inTransaction(place.admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    await tx.unsafe(`delete from audit.record where resource_id = '${holed}' and resource_version = 3`);
    await tx.unsafe(`delete from audit.record where resource_id = '${cut}' and resource_version >= 4`);
    await tx.unsafe(`delete from audit.record where resource_id = '${work}' and resource_version = 4`);
  });
  told = [node(whole, 7), node(holed, 5), node(cut, 5), node(ahead, 7), node(behind, 2), node(work, 9, 2)];
  await again();
  await count();
  expect(await status()).toMatchObject({ missing: 5, checked: 6 });
  const reports = async () =>
    Object.fromEntries(
      (
        await place.admin.unsafe(
          `select audit #>> '{asked,resource,id}' as id, audit ->> 'reason' as reason from audit.feed`,
        )
      ).map(({ id, reason }) => [id, reason]),
    );
  const said = {
    [holed]: 'of 5 changes up to version 5, 4 are on record; the first that is not is version 3',
    [cut]: 'of 5 changes up to version 5, 3 are on record; the first that is not is version 4',
    [ahead]: 'of 7 changes up to version 7, 5 are on record; the first that is not is version 6',
    [behind]: 'it has version 2, and version 5 is on record',
    [work]: 'of 2 changes up to version 9, 1 are on record',
  };
  expect(await reports()).toEqual(said);
  expect(place.told.filter((each) => each === 'audit_integrity')).toHaveLength(5);
  // Put on record as any other fact, it is of class integrity, is kept for years, and is not told again.
  const rows = await place.admin.unsafe(`select id, audit from audit.feed order by seq`);
  const own = rows.map(({ id, audit }, at) =>
    someFact(at + 1, {
      id: encodeId('evt', String(id)),
      type: 'audit.request.reported',
      resource: { type: 'audit.request', id: encodeId('aud', String(id)), version: 1 },
      event: null,
      audit: audit as FeedItem['audit'],
    }),
  );
  await appendBatch(place.deps, await place.lease(), { context: 'audit', afterPos: 0, items: own });
  const kept = await place.admin.unsafe(
    `select distinct class, action, outcome, policy_relevant as years from audit.record where class = 'integrity'`,
  );
  expect(kept).toEqual([{ class: 'integrity', action: 'audit.record.miscounted', outcome: 'failed', years: true }]);
  await again();
  await count();
  expect(await status()).toMatchObject({ missing: 5 });
  const [feed] = await place.admin.unsafe('select count(*)::int as n from audit.feed');
  expect(feed?.['n']).toBe(5);
});
