import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { credentialOf, inHours, issuer, peopleOf, type Person } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;
let admin: Person;
let home: Awaited<ReturnType<typeof people.tenant>>;
let other: typeof home;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
  admin = await people.holder('platform-admin', 'platform');
  home = await people.tenant();
  other = await people.tenant();
});
afterAll(() => opened.close());

type Role = Parameters<Opened['tenancy']['roleBinding']['create']>[1]['role'];
type ScopeId = Parameters<Opened['tenancy']['roleBinding']['create']>[1]['scopeId'];

const gives = async (who: Caller, role: Role, scopeId: ScopeId) => {
  const { ref } = await people.person('someone');
  return tenancy.roleBinding.create(who, { role, scopeId, subject: ref });
};
const refused = (scope: string, missingPermission?: string) => ({
  code: 'permission-denied',
  facts: { scope, ...(missingPermission === undefined ? {} : { missingPermission }) },
});

describe('nobody grants what it does not hold there', () => {
  test('an owner grants every role of the tenant, an owner’s too', async () => {
    for (const role of ['owner', 'admin', 'editor', 'allocator', 'viewer', 'auditor'] as const)
      expect(await gives(home.owner.caller, role, home.tenant)).toMatchObject({ role, scopeId: home.tenant });
  });

  test('an admin grants everything but owners, at its place and below it', async () => {
    const one = await people.holder('admin', home.tenant);
    for (const scopeId of [home.tenant, home.project]) {
      expect(await gives(one.caller, 'admin', scopeId)).toMatchObject({ role: 'admin' });
      await expect(gives(one.caller, 'owner', scopeId)).rejects.toMatchObject(
        refused(scopeId, 'tenancy.roleBinding.grantOwner'),
      );
    }
  });

  test('an admin neither takes an owner’s binding away nor changes it', async () => {
    const one = await people.holder('admin', home.tenant);
    const binding = await people.grant((await people.person('owner')).ref, 'owner', { scopeId: home.tenant });
    await expect(tenancy.roleBinding.remove(one.caller, { id: binding.id })).rejects.toMatchObject(
      refused(home.tenant, 'tenancy.roleBinding.grantOwner'),
    );
    await expect(
      tenancy.roleBinding.amend(one.caller, { id: binding.id, patch: { expiresAt: inHours(1) } }),
    ).rejects.toMatchObject(refused(home.tenant, 'tenancy.roleBinding.grantOwner'));
  });

  test('an editor, an allocator, a viewer and an auditor grant nothing, not even what they are', async () => {
    for (const role of ['editor', 'allocator', 'viewer', 'auditor'] as const) {
      const one = await people.holder(role, home.tenant);
      await expect(gives(one.caller, role, home.tenant)).rejects.toMatchObject(
        refused(home.tenant, 'tenancy.roleBinding.create'),
      );
    }
  });

  test('an owner of a project grants in it, and neither on its tenant nor beside it', async () => {
    const one = await people.holder('owner', home.project);
    expect(await gives(one.caller, 'owner', home.project)).toMatchObject({ scopeId: home.project });
    expect(await gives(one.caller, 'admin', home.environment)).toMatchObject({ scopeId: home.environment });
    for (const scopeId of [home.tenant, other.project, 'platform'] as const)
      await expect(
        gives(one.caller, scopeId === 'platform' ? 'platform-viewer' : 'viewer', scopeId),
      ).rejects.toMatchObject(refused(scopeId));
  });

  test('an administrator of the platform grants on the platform and nothing in a tenant', async () => {
    expect(await gives(admin.caller, 'platform-operator', 'platform')).toMatchObject({ scopeId: 'platform' });
    for (const role of ['owner', 'viewer'] as const)
      await expect(gives(admin.caller, role, home.tenant)).rejects.toMatchObject(refused(home.tenant));
  });

  test('an operator of the platform makes no administrator, nor another operator', async () => {
    const operator = await people.holder('platform-operator', 'platform');
    for (const role of ['platform-admin', 'platform-operator', 'platform-viewer'] as const)
      await expect(gives(operator.caller, role, 'platform')).rejects.toMatchObject(
        refused('platform', 'tenancy.roleBinding.create'),
      );
  });

  test('what a group was granted counts for who comes with the group, and for nobody else', async () => {
    const group = { issuer, name: 'owners-of-home' };
    await people.grant({ type: 'group', ...group }, 'owner', { scopeId: home.tenant });
    const member = await people.person('member', [group]);
    const stranger = await people.person('stranger', [{ issuer: 'https://elsewhere.example', name: group.name }]);
    expect(await gives(member.caller, 'owner', home.tenant)).toMatchObject({ role: 'owner' });
    await expect(gives(stranger.caller, 'viewer', home.tenant)).rejects.toMatchObject(refused(home.tenant));
  });

  test('a role that has run out, a deny rule and an account that was shut out each take the right to grant', async () => {
    const late = await people.holder('owner', home.tenant, inHours(1));
    await opened.db.admin.unsafe(
      `set local session_replication_role = replica; update tenancy.role_binding set expires_at = now() - interval '1 second' where expires_at is not null`,
    );
    await expect(gives(late.caller, 'viewer', home.tenant)).rejects.toMatchObject(refused(home.tenant));

    const denied = await people.holder('owner', other.tenant);
    await tenancy.denyRule.create(other.owner.caller, {
      scopeId: other.tenant,
      permissions: ['tenancy.roleBinding.create'],
      subjects: [denied.ref],
      reason: 'a test',
    });
    await expect(gives(denied.caller, 'viewer', other.tenant)).rejects.toMatchObject(refused(other.tenant));

    const out = await people.holder('owner', home.tenant);
    await tenancy.user.disable(everyone, { id: out.id });
    await expect(gives(out.caller, 'viewer', home.tenant)).rejects.toMatchObject(refused(home.tenant));
  });

  test('a token grants within its limits, and after its end nothing', async () => {
    const account = await people.account(home.tenant);
    await people.grant({ type: 'serviceAccount', id: account.id }, 'owner', { scopeId: home.tenant });
    const make = (permissions?: string[], scopeId?: ScopeId) =>
      tenancy.token.create(everyone, {
        serviceAccountId: account.id,
        name: 'ci',
        ...(permissions === undefined ? {} : { permissions }),
        ...(scopeId === undefined ? {} : { scopeId }),
      });
    const as = (tokenId: Id<'tok'>): Caller => ({
      ...everyone,
      principal: { id: account.id, type: 'service', tokenId },
    });
    const narrow = await make(undefined, home.project);
    expect(await gives(as(narrow.id), 'editor', home.project)).toMatchObject({ role: 'editor' });
    await expect(gives(as(narrow.id), 'editor', home.tenant)).rejects.toMatchObject(refused(home.tenant));
    const poor = await make(['tenancy.roleBinding.create']);
    await expect(gives(as(poor.id), 'viewer', home.tenant)).rejects.toMatchObject(refused(home.tenant));
    await tenancy.token.revoke(everyone, { id: narrow.id });
    await expect(gives(as(narrow.id), 'editor', home.project)).rejects.toMatchObject(refused(home.project));
    // The token of another account is no token of this one, and must not leave it without limits.
    const foreign = await people.account(home.tenant);
    await people.grant({ type: 'serviceAccount', id: foreign.id }, 'owner', { scopeId: home.tenant });
    await expect(
      gives({ ...everyone, principal: { id: foreign.id, type: 'service', tokenId: poor.id } }, 'viewer', home.tenant),
    ).rejects.toMatchObject(refused(home.tenant));
  });
});

describe('who may be granted something', () => {
  const to = (subject: Parameters<typeof people.grant>[0], scopeId: ScopeId, role: Role = 'viewer') =>
    tenancy.roleBinding.create(everyone, { subject, scopeId, role });

  test('a person who never was, or who was shut out, is a reference to nothing', async () => {
    await expect(
      to({ type: 'user', id: 'usr_01jdx3z6x7e008000000000009' as Id<'usr'> }, home.tenant),
    ).rejects.toMatchObject({
      code: 'reference-not-found',
      facts: { pointer: '/subject/id', resourceType: 'user' },
    });
    const out = await people.person('out');
    await tenancy.user.disable(everyone, { id: out.id });
    await expect(to(out.ref, home.tenant)).rejects.toMatchObject({ code: 'reference-not-found' });
  });

  test('a service account of one tenant does not exist for another, nor for the platform, whose roles its tenant would rule', async () => {
    const account = await people.account(other.tenant);
    const ref = { type: 'serviceAccount' as const, id: account.id };
    await expect(to(ref, home.tenant)).rejects.toMatchObject({ code: 'reference-not-found' });
    await expect(to(ref, 'platform', 'platform-viewer')).rejects.toMatchObject({ code: 'reference-not-found' });
    expect(await to(ref, other.project)).toMatchObject({ subject: ref });
  });

  test('a role goes where it may be bound, and broken glass is not granted', async () => {
    const { ref } = await people.person('someone');
    await expect(to(ref, home.environment, 'owner')).rejects.toMatchObject({
      code: 'state-conflict',
      facts: { allowedStates: ['tenant', 'project'] },
    });
    await expect(to(ref, home.tenant, 'platform-admin')).rejects.toMatchObject({ code: 'state-conflict' });
    await expect(to(ref, home.tenant, 'break-glass')).rejects.toMatchObject({ code: 'state-conflict' });
  });

  test('the same grant is made once; one that has run out gives way, and both are on the record', async () => {
    const one = await people.person('someone');
    const first = await people.grant(one.ref, 'viewer', { scopeId: home.tenant, expiresAt: inHours(1) });
    await expect(to(one.ref, home.tenant)).rejects.toMatchObject({ code: 'already-exists' });
    await opened.db.admin.unsafe(
      `set local session_replication_role = replica; update tenancy.role_binding set expires_at = now() - interval '1 second' where expires_at is not null`,
    );
    const second = await to(one.ref, home.tenant);
    expect(second.id).not.toBe(first.id);
    await expect(tenancy.roleBinding.get(everyone, { id: first.id })).rejects.toMatchObject({ code: 'not-found' });
    const feed = await opened.db.admin.unsafe(
      `select type, resource_version as version from tenancy.feed where audit -> 'before' ->> 'id' = $1 or audit -> 'after' ->> 'id' = $1 order by seq`,
      [first.id],
    );
    expect(feed.map((row) => [row['type'], Number(row['version'])])).toEqual([
      ['tenancy.roleBinding.created', 1],
      ['tenancy.roleBinding.removed', 2],
    ]);
  });

  test('a scope that the caller may not see is as missing as one that never was; a suspended one takes no grant and gives them back', async () => {
    const blind: Caller = {
      ...home.owner.caller,
      readScope: { tenantIds: [home.tenant], projectIds: [], environmentIds: [] },
    };
    const hidden = await gives(blind, 'viewer', other.project).catch((e: unknown) => e);
    const missing = await gives(blind, 'viewer', 'prj_01jdx3z6x7e008000000000009').catch((e: unknown) => e);
    expect(hidden).toMatchObject({ code: 'not-found' });
    expect(JSON.stringify(hidden)).toBe(JSON.stringify(missing));

    const third = await people.tenant();
    const binding = await people.grant((await people.person('someone')).ref, 'viewer', { scopeId: third.project });
    const { version } = await tenancy.scope.get(everyone, { id: third.tenant });
    await tenancy.scope.suspend(everyone, { id: third.tenant, version });
    await expect(gives(third.owner.caller, 'viewer', third.project)).rejects.toMatchObject({
      code: 'scope-not-active',
      facts: { scope: third.tenant, state: 'suspended' },
    });
    await expect(
      tenancy.roleBinding.amend(third.owner.caller, { id: binding.id, patch: { expiresAt: inHours(9) } }),
    ).rejects.toMatchObject({ code: 'scope-not-active' });
    expect(await tenancy.roleBinding.remove(third.owner.caller, { id: binding.id })).toMatchObject({ id: binding.id });
  });
});

describe('broken glass', () => {
  test('lets an administrator into one tenant as an owner, for itself, for hours, with a reason in the tenant’s own record', async () => {
    const binding = await tenancy.roleBinding.breakGlass(admin.caller, {
      scopeId: home.tenant,
      ttlSeconds: 3600,
      reason: 'INC-1',
    });
    expect(binding).toMatchObject({ role: 'break-glass', subject: admin.ref, reason: 'INC-1', tenantId: home.tenant });
    const { snapshot, validUntil } = await people.snapshotOf(admin);
    expect(snapshot.grants.map((grant) => grant.scope.id).toSorted()).toEqual(['platform', home.tenant].toSorted());
    expect(validUntil).toBe(binding.expiresAt);
    const [row] = await opened.db.admin.unsafe(
      `select tenant_id is not null as in_tenant from tenancy.feed where type = 'tenancy.roleBinding.glassBroken'`,
    );
    expect(row).toEqual({ in_tenant: true });
    await expect(
      tenancy.roleBinding.breakGlass(admin.caller, { scopeId: home.tenant, ttlSeconds: 60, reason: 'again' }),
    ).rejects.toMatchObject({ code: 'already-exists' });
  });

  test('cannot be made to last by whoever broke it, but gives a tenant that lost its owners a new one', async () => {
    for (const role of ['owner', 'viewer'] as const)
      await expect(
        tenancy.roleBinding.create(admin.caller, { role, scopeId: home.tenant, subject: admin.ref }),
      ).rejects.toMatchObject({ code: 'state-conflict', facts: { state: 'held for a time' } });
    const short = await tenancy.roleBinding.create(admin.caller, {
      role: 'viewer',
      scopeId: home.tenant,
      subject: admin.ref,
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    await expect(
      tenancy.roleBinding.amend(admin.caller, { id: short.id, patch: { expiresAt: null } }),
    ).rejects.toMatchObject({ code: 'state-conflict', facts: { state: 'held for a time' } });
    expect(await gives(admin.caller, 'owner', home.tenant)).toMatchObject({ role: 'owner' });
  });

  test('is not for owners, operators, loops or a token that may not', async () => {
    const operator = await people.holder('platform-operator', 'platform');
    const ask = (who: Caller) =>
      tenancy.roleBinding.breakGlass(who, { scopeId: other.tenant, ttlSeconds: 60, reason: 'a test' });
    for (const who of [other.owner.caller, operator.caller, everyone])
      await expect(ask(who)).rejects.toMatchObject(refused(other.tenant, 'tenancy.tenant.breakGlass'));
    const account = await people.account('platform');
    await people.grant({ type: 'serviceAccount', id: account.id }, 'platform-admin', { scopeId: 'platform' });
    const token = await tenancy.token.create(everyone, {
      serviceAccountId: account.id,
      name: 'poor',
      permissions: ['tenancy.tenant.read'],
    });
    expect(credentialOf(token.secret ?? '').id).toBe(token.id);
    await expect(
      ask({ ...everyone, principal: { id: account.id, type: 'service', tokenId: token.id } }),
    ).rejects.toMatchObject(refused(other.tenant, 'tenancy.tenant.breakGlass'));
  });

  test('a rule that a tenant made for itself meets who broke in, and is not in the way of who stays outside', async () => {
    const { tenant, owner } = await people.tenant();
    await tenancy.denyRule.create(owner.caller, {
      scopeId: tenant,
      permissions: ['tenancy.tenant.read', 'tenancy.tenant.suspend', 'inventory.allocation.read'],
      subjects: 'all',
      reason: 'go away',
    });
    await tenancy.roleBinding.breakGlass(admin.caller, { scopeId: tenant, ttlSeconds: 60, reason: 'INC-2' });
    const { snapshot } = await people.snapshotOf(admin);
    expect(snapshot.denies).toHaveLength(1);
    const asks = (permission: string) =>
      tenancy.access.explain(everyone, { principalId: admin.id, permission, scopeId: tenant });
    expect(await asks('tenancy.tenant.suspend')).toMatchObject({ allowed: true });
    expect(await asks('inventory.allocation.read')).toMatchObject({ allowed: false, wouldAllow: [] });
  });
});
