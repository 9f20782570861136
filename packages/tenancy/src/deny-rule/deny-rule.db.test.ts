import { decide, type Permission } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { denyRulesMax } from '@sentral/contracts/tenancy/role-binding';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { issuer, peopleOf, type Person } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;
let admin: Person;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
  admin = await people.holder('platform-admin', 'platform');
});
afterAll(() => opened.close());

type Create = Parameters<Opened['tenancy']['denyRule']['create']>[1];
const forbid = (who: Caller, scopeId: Create['scopeId'], changes: Partial<Create> = {}) =>
  tenancy.denyRule.create(who, {
    scopeId,
    permissions: ['task.task.cancel'],
    subjects: 'all',
    reason: 'a test',
    ...changes,
  });
const may = async (one: Person, permission: Permission, scopeId: Parameters<typeof tenancy.scope.path>[1]['id']) => {
  const [{ snapshot }, { rows }] = await Promise.all([
    people.snapshotOf(one),
    tenancy.scope.path(everyone, { id: scopeId }),
  ]);
  return decide(snapshot, permission, rows).allowed;
};

test('a rule holds from the next snapshot on, for everyone below its scope and nobody beside it; the epoch moves with each change of it', async () => {
  const [home, beside] = [await people.tenant(), await people.tenant()];
  const epoch = async () => (await tenancy.access.epoch(everyone, {})).epoch;
  const [start, made] = [await epoch(), await forbid(home.owner.caller, home.tenant)];
  expect(await epoch()).toBe(start + 1);
  expect(await may(home.owner, 'task.task.cancel', home.environment)).toBe(false);
  expect(await may(home.owner, 'task.task.hold', home.environment)).toBe(true);
  expect(await may(beside.owner, 'task.task.cancel', beside.environment)).toBe(true);
  const amended = await tenancy.denyRule.amend(home.owner.caller, {
    id: made.id,
    version: 1,
    patch: { permissions: ['task.task.cancel', 'task.task.hold'] },
  });
  expect([await epoch(), amended.version]).toEqual([start + 2, 2]);
  expect(await may(home.owner, 'task.task.hold', home.environment)).toBe(false);
  await tenancy.denyRule.remove(home.owner.caller, { id: made.id });
  expect(await epoch()).toBe(start + 3);
  expect(await may(home.owner, 'task.task.cancel', home.environment)).toBe(true);
});

describe('nobody exempts itself', () => {
  test('an owner whom a rule meets cannot write itself out of it, forbid itself less, or end it; another owner can', async () => {
    const { tenant, owner } = await people.tenant();
    const second = await people.holder('owner', tenant);
    const third = await people.holder('owner', tenant);
    const rule = await forbid(second.caller, tenant, { exceptions: [third.ref] });
    const refused = { code: 'permission-denied', facts: { scope: tenant } };
    const amend = (who: Person, patch: Parameters<typeof tenancy.denyRule.amend>[1]['patch']) =>
      tenancy.denyRule.amend(who.caller, { id: rule.id, patch });
    for (const patch of [
      { exceptions: [owner.ref] },
      { subjects: [second.ref] },
      { permissions: ['task.task.hold'] },
    ] as never[])
      await expect(amend(owner, patch)).rejects.toMatchObject(refused);
    await expect(tenancy.denyRule.remove(owner.caller, { id: rule.id })).rejects.toMatchObject(refused);
    await amend(third, { exceptions: [owner.ref, third.ref] });
    expect(await may(owner, 'task.task.cancel', tenant)).toBe(true);
    await tenancy.denyRule.remove(third.caller, { id: rule.id });
  });

  test('nor by a group that it belongs to', async () => {
    const { tenant } = await people.tenant();
    const group = { type: 'group' as const, issuer, name: 'the-team' };
    const member = await people.person('member', [group]);
    await people.grant(member.ref, 'owner', { scopeId: tenant });
    await expect(forbid(member.caller, tenant, { exceptions: [group] })).rejects.toMatchObject({
      code: 'permission-denied',
    });
  });

  test('who may change rules and not end them takes no part of one back', async () => {
    const { tenant, owner } = await people.tenant();
    const one = await people.holder('owner', tenant);
    const rule = await forbid(owner.caller, tenant, { permissions: ['task.task.cancel', 'task.task.hold'] });
    await forbid(owner.caller, tenant, { permissions: ['tenancy.denyRule.delete'], subjects: [one.ref] });
    await expect(
      tenancy.denyRule.amend(one.caller, { id: rule.id, patch: { permissions: ['task.task.cancel'] } }),
    ).rejects.toMatchObject({ code: 'permission-denied', facts: { missingPermission: 'tenancy.denyRule.delete' } });
    expect(
      await tenancy.denyRule.amend(owner.caller, { id: rule.id, patch: { permissions: ['task.task.cancel'] } }),
    ).toMatchObject({ permissions: ['task.task.cancel'] });
  });
});

describe('somebody who lasts can always open', () => {
  const last = (scope: string) => ({ code: 'last-administrator', facts: { scope } });

  test('on the platform: not everyone, not all but one who does not last, not by two rules together', async () => {
    const second = await people.holder('platform-admin', 'platform');
    const [ref, mine] = [second.ref, admin.ref];
    const closing = { permissions: ['tenancy.denyRule.delete'] };
    await expect(forbid(admin.caller, 'platform', closing)).rejects.toMatchObject(last('platform'));
    const guest = await people.person('guest');
    await expect(forbid(admin.caller, 'platform', { ...closing, exceptions: [guest.ref] })).rejects.toMatchObject(
      last('platform'),
    );
    const rule = await forbid(admin.caller, 'platform', { ...closing, exceptions: [ref] });
    await expect(
      forbid(second.caller, 'platform', { permissions: ['tenancy.denyRule.read'], exceptions: [mine] }),
    ).rejects.toMatchObject(last('platform'));
    // Nor may the one who was left able go by another door.
    await expect(tenancy.user.disable(everyone, { id: second.id })).rejects.toMatchObject(last('platform'));
    const { items } = await tenancy.roleBinding.list(everyone, { subjectId: second.id });
    await expect(tenancy.roleBinding.remove(everyone, { id: items[0]!.id })).rejects.toMatchObject(last('platform'));
    await tenancy.denyRule.remove(second.caller, { id: rule.id });
    await tenancy.user.disable(everyone, { id: second.id });
  });

  test('in a tenant: an owner or an admin of it stays able', async () => {
    const { tenant, owner } = await people.tenant();
    const closing = { permissions: ['tenancy.denyRule.delete'] };
    await expect(forbid(owner.caller, tenant, closing)).rejects.toMatchObject(last(tenant));
    const second = await people.holder('admin', tenant);
    expect(await forbid(owner.caller, tenant, { ...closing, exceptions: [second.ref] })).toMatchObject({
      scopeId: tenant,
    });
  });
});

describe('what a rule may say', () => {
  test('permissions that there are, subjects that exist for its scope, pointed at when they do not', async () => {
    const { tenant, owner } = await people.tenant();
    await expect(
      forbid(owner.caller, tenant, { permissions: ['task.task.cancel', 'task.task.dance'] }),
    ).rejects.toMatchObject({
      code: 'validation-failed',
      facts: { errors: [{ pointer: '/permissions/1', code: 'unknown_permission' }] },
    });
    const elsewhere = await people.tenant();
    const foreign = await people.account(elsewhere.tenant);
    await expect(
      forbid(owner.caller, tenant, { exceptions: [{ type: 'serviceAccount', id: foreign.id }] }),
    ).rejects.toMatchObject({ code: 'reference-not-found', facts: { pointer: '/exceptions/0/id' } });
  });

  test('no more rules than a hundred on one scope', async () => {
    const { tenant, owner } = await people.tenant();
    for (let n = 0; n < denyRulesMax; n += 1) await forbid(everyone, tenant);
    await expect(forbid(owner.caller, tenant)).rejects.toMatchObject({ code: 'state-conflict' });
  });

  test('a rule of another tenant is as missing as one that never was', async () => {
    const [home, other] = [await people.tenant(), await people.tenant()];
    const rule = await forbid(everyone, other.tenant);
    const blind: Caller = {
      ...home.owner.caller,
      readScope: { tenantIds: [home.tenant], projectIds: [], environmentIds: [] },
    };
    const hidden = await tenancy.denyRule.get(blind, { id: rule.id }).catch((e: unknown) => e);
    const missing = await tenancy.denyRule
      .get(blind, { id: 'dny_01jdx3z6x7e008000000000009' })
      .catch((e: unknown) => e);
    expect(hidden).toMatchObject({ code: 'not-found' });
    expect(JSON.stringify(hidden)).toBe(JSON.stringify(missing));
    await expect(tenancy.denyRule.remove(blind, { id: rule.id })).rejects.toMatchObject({ code: 'not-found' });
  });
});
