import type { Caller } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { inHours, peopleOf } from '../../test/people.js';

let opened: Opened;
let exemption: Opened['tenancy']['exemption'];
let place: Awaited<ReturnType<ReturnType<typeof peopleOf>['tenant']>>;
const key = 'inventory.leaseSecondsMax';

beforeAll(async () => {
  opened = await openTenancy();
  ({ exemption } = opened.tenancy);
  place = await peopleOf(opened.tenancy).tenant();
});
afterAll(() => opened.close());

const make = (scopeId: Parameters<typeof exemption.create>[1]['scopeId'], expiresAt = inHours(2)) =>
  exemption.create(everyone, { scopeId, key, reason: 'a migration', expiresAt });
/** Where the scope stands in the projections of others: its version, and what is lifted there until when. */
async function told(id: Parameters<typeof exemption.create>[1]['scopeId']) {
  const { rows } = await opened.tenancy.scope.path(everyone, { id });
  const row = rows.at(-1);
  return { version: row?.version ?? 0, lifted: row?.exemptions?.map((each) => Date.parse(each.expiresAt)) };
}
const inThePast = { code: 'validation-failed', facts: { errors: [{ pointer: '/expiresAt', code: 'out_of_bounds' }] } };

test('lasts as long as it says: changed under its version, told to every context with the scope, and gone when it is ended', async () => {
  const made = await make(place.project);
  const before = await told(place.project);
  expect(await exemption.get(everyone, { id: made.id })).toEqual(made);
  const at = { id: made.id, version: made.version };
  const shorter = await exemption.amend(everyone, { ...at, patch: { expiresAt: inHours(1), reason: 'nearly done' } });
  expect(shorter).toMatchObject({ version: 2, reason: 'nearly done', approvedBy: made.approvedBy });
  expect(await told(place.project)).toEqual({
    version: before.version + 1,
    lifted: [Date.parse(shorter.expiresAt)],
  });
  const stale = { code: 'version-mismatch', facts: { currentVersion: 2, changedFields: ['/expiresAt', '/reason'] } };
  await expect(exemption.amend(everyone, { ...at, patch: { reason: 'late' } })).rejects.toMatchObject(stale);
  await expect(exemption.remove(everyone, at)).rejects.toMatchObject({ code: 'version-mismatch' });
  expect(await exemption.remove(everyone, { id: made.id, version: 2 })).toEqual(shorter);
  expect(await told(place.project)).toEqual({ version: before.version + 2, lifted: [] });
  await expect(exemption.get(everyone, { id: made.id })).rejects.toMatchObject({ code: 'not-found' });
});

test('who lets it last longer answers for it, and nobody lets it end in the past or last more than a year', async () => {
  const made = await make(place.environment);
  const other: Caller = { ...everyone, principal: { id: encodeId('usr', newId()), type: 'user' } };
  const reworded = await exemption.amend(other, { id: made.id, patch: { reason: 'in other words' } });
  expect(reworded.approvedBy).toBe(made.approvedBy);
  const longer = await exemption.amend(other, { id: made.id, patch: { expiresAt: inHours(48) } });
  expect(longer.approvedBy).toBe(other.principal.id);
  for (const expiresAt of [inHours(-1), inHours(24 * 400)]) {
    await expect(exemption.amend(other, { id: made.id, patch: { expiresAt } })).rejects.toMatchObject(inThePast);
    await expect(make(place.tenant, expiresAt)).rejects.toMatchObject(inThePast);
  }
  expect(await exemption.get(everyone, { id: made.id })).toEqual(longer);
});

test('one that is over makes room for the next, and of the past one a record stays', async () => {
  const made = await make(place.tenant);
  await expect(make(place.tenant)).rejects.toMatchObject({ code: 'already-exists' });
  await opened.db.admin.unsafe(
    `set local session_replication_role = replica;
     update tenancy.policy_exemption set expires_at = now() - interval '1 second' where id = '${parseId(made.id).uuid}'`,
  );
  const next = await make(place.tenant);
  const listed = await exemption.list(everyone, { scopeId: place.tenant });
  expect(listed.items.map(({ id }) => id)).toEqual([next.id]);
  const [row] = await opened.db.admin.unsafe('select type from tenancy.feed where resource_id = $1 order by seq desc', [
    parseId(made.id).uuid,
  ]);
  expect(row).toEqual({ type: 'tenancy.policyExemption.removed' });
});

test('of another tenant is not there, for whoever reads, changes, ends or lists', async () => {
  const made = await make(place.tenant).catch(async () => {
    const [only] = (await exemption.list(everyone, { scopeId: place.tenant })).items;
    return only!;
  });
  const stranger: Caller = {
    ...everyone,
    principal: { id: encodeId('usr', newId()), type: 'user' },
    readScope: { tenantIds: [encodeId('tnt', newId())], projectIds: [], environmentIds: [] },
  };
  const hidden = { code: 'not-found' };
  await expect(exemption.get(stranger, { id: made.id })).rejects.toMatchObject(hidden);
  await expect(exemption.amend(stranger, { id: made.id, patch: { reason: 'mine' } })).rejects.toMatchObject(hidden);
  await expect(exemption.remove(stranger, { id: made.id })).rejects.toMatchObject(hidden);
  expect((await exemption.list(stranger, {})).items).toEqual([]);
});
