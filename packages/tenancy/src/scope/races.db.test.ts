import type { Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { inHours, peopleOf } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;

beforeAll(async () => {
  opened = await openTenancy(undefined, { poolSize: 20 });
  ({ tenancy } = opened);
  people = peopleOf(tenancy);
});
afterAll(() => opened.close());

/** How many got it, and what the others were told. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<{ done: number; codes: string[] }> {
  const all = await Promise.allSettled(calls);
  const codes = all.flatMap((each) =>
    each.status === 'rejected' ? [isProblem(each.reason) ? each.reason.code : String(each.reason)] : [],
  );
  return { done: all.length - codes.length, codes: [...new Set(codes)] };
}
const eight = Array.from({ length: 8 }, (_, n) => n);
const invariants = async () =>
  (await tenancy.invariant.list(everyone, {})).items.filter(({ violations }) => violations > 0);

test('of eight who make a scope of one name at once one wins, at every level', async () => {
  const { tenant, project } = await people.tenant();
  const make = (kind: 'tenant' | 'project' | 'environment', parentId: 'platform' | Id<'tnt'> | Id<'prj'>) =>
    tenancy.scope.create(everyone, {
      kind,
      parentId,
      name: 'same',
      ...(kind === 'environment' ? { class: 'production' as const } : {}),
    });
  for (const [kind, parent] of [
    ['tenant', 'platform'],
    ['project', tenant],
    ['environment', project],
  ] as const)
    expect(await outcomes(eight.map(() => make(kind, parent)))).toEqual({ done: 1, codes: ['already-exists'] });
});

test('of eight who want the three places that a quota leaves three get one, also while the limit moves', async () => {
  const { tenant } = await people.tenant();
  const limit = await tenancy.quota.create(everyone, { scopeId: tenant, dimension: 'tenancy.projects', limit: 4 });
  const make = (name: string) => tenancy.scope.create(everyone, { kind: 'project', parentId: tenant, name });
  expect(await outcomes(eight.map((n) => make(`p${n}`)))).toEqual({ done: 3, codes: ['quota-exceeded'] });
  const [made] = await Promise.all([
    outcomes(eight.map((n) => make(`q${n}`))),
    tenancy.quota.amend(everyone, { id: limit.id, patch: { limit: 6 } }),
  ]);
  const { own } = await tenancy.quota.use(everyone, { scopeId: tenant });
  expect(own.find(({ dimension }) => dimension === 'tenancy.projects')).toMatchObject({
    used: 4 + made.done,
    limit: 6,
    overBy: 0,
  });
  expect(made.done).toBeLessThanOrEqual(2);
  expect(await invariants()).toEqual([]);
});

test('of eight limits, policies and exemptions at one place and version one wins', async () => {
  const { tenant } = await people.tenant();
  const quotas = eight.map((n) =>
    tenancy.quota.create(everyone, { scopeId: tenant, dimension: 'inventory.vlan', limit: n }),
  );
  expect(await outcomes(quotas)).toEqual({ done: 1, codes: ['already-exists'] });
  const policies = eight.map((n) =>
    tenancy.policy.set(everyone, {
      scopeId: tenant,
      version: 0,
      bindings: [{ key: 'inventory.leaseSecondsMax', value: 60 + n, lock: 'default', mode: 'enforce' }],
    }),
  );
  expect(await outcomes(policies)).toEqual({ done: 1, codes: ['version-mismatch'] });
  const exemptions = eight.map(() =>
    tenancy.exemption.create(everyone, {
      scopeId: tenant,
      key: 'inventory.leaseSecondsMax',
      reason: 'a migration',
      expiresAt: inHours(1),
    }),
  );
  expect(await outcomes(exemptions)).toEqual({ done: 1, codes: ['already-exists'] });
  const effective = await tenancy.policy.effective(everyone, { scopeId: tenant });
  expect(effective.values.find(({ key }) => key === 'inventory.leaseSecondsMax')).toMatchObject({
    value: null,
    contributions: [{ effect: 'exempted' }],
  });
  // The projection of the other contexts says the same: one limit, one binding, one exemption, and a version for each.
  const path = await tenancy.scope.path(everyone, { id: tenant });
  expect(path.rows.at(-1)).toMatchObject({
    version: 4,
    limits: [{ dimension: 'inventory.vlan' }],
    policyBindings: [{ key: 'inventory.leaseSecondsMax' }],
    exemptions: [{ key: 'inventory.leaseSecondsMax' }],
  });
});

test('of twenty edits at one version one wins, whatever is edited, and what it was told is what is there', async () => {
  const { tenant, project, environment } = await people.tenant();
  const twenty = Array.from({ length: 20 }, (_, n) => n);
  const lost = { done: 1, codes: ['version-mismatch'] };
  const race = async <R extends { version: number }>(
    read: () => Promise<R>,
    edit: (version: number, by: string, n: number) => Promise<R>,
  ) => {
    const { version } = await read();
    const calls = twenty.map((n) => edit(version, `by ${n}`, n));
    expect(await outcomes(calls)).toEqual(lost);
    const won = await Promise.any(calls);
    expect([won.version, await read()]).toEqual([version + 1, won]);
  };

  for (const id of [tenant, project, environment])
    await race(
      () => tenancy.scope.get(everyone, { id }),
      (version, displayName) => tenancy.scope.amend(everyone, { id, version, patch: { displayName } }),
    );
  const limit = await tenancy.quota.create(everyone, { scopeId: tenant, dimension: 'inventory.vlan', limit: 100 });
  await race(
    () => tenancy.quota.get(everyone, { id: limit.id }),
    (version, _, n) => tenancy.quota.amend(everyone, { id: limit.id, version, patch: { limit: n } }),
  );
  const key = 'inventory.leaseSecondsMax';
  // The first set is at version 0, the second at one that somebody set.
  for (const seconds of [60, 600])
    await race(
      () => tenancy.policy.get(everyone, { scopeId: tenant }),
      (version, _, n) => {
        const bindings = [{ key, value: seconds + n, lock: 'default', mode: 'enforce' }] as const;
        return tenancy.policy.set(everyone, { scopeId: tenant, version, bindings: [...bindings] });
      },
    );
  const why = { scopeId: tenant, reason: 'a race' };
  const exemption = await tenancy.exemption.create(everyone, { ...why, key, expiresAt: inHours(1) });
  await race(
    () => tenancy.exemption.get(everyone, { id: exemption.id }),
    (version, reason) => tenancy.exemption.amend(everyone, { id: exemption.id, version, patch: { reason } }),
  );
  const hold = await tenancy.hold.create(everyone, { ...why, origin: 'test' });
  await race(
    () => tenancy.hold.get(everyone, { id: hold.id }),
    (version, reason) => tenancy.hold.amend(everyone, { id: hold.id, version, patch: { reason } }),
  );
  const rule = { ...why, permissions: ['inventory.node.delete'], subjects: 'all' as const };
  const denial = await tenancy.denyRule.create(everyone, rule);
  await race(
    () => tenancy.denyRule.get(everyone, { id: denial.id }),
    (version, reason) => tenancy.denyRule.amend(everyone, { id: denial.id, version, patch: { reason } }),
  );
  const { id: user } = await people.person('edited');
  await race(
    () => tenancy.user.get(everyone, { id: user }),
    (version, displayName) => tenancy.user.amend(everyone, { id: user, version, patch: { displayName } }),
  );
  const { id: account } = await people.account(tenant);
  await race(
    () => tenancy.serviceAccount.get(everyone, { id: account }),
    (version, displayName) => tenancy.serviceAccount.amend(everyone, { id: account, version, patch: { displayName } }),
  );
  const binding = await people.grant({ type: 'serviceAccount', id: account }, 'viewer', { scopeId: tenant });
  await race(
    () => tenancy.roleBinding.get(everyone, { id: binding.id }),
    (version, reason) => tenancy.roleBinding.amend(everyone, { id: binding.id, version, patch: { reason } }),
  );
  const { id, version } = await tenancy.token.create(everyone, { serviceAccountId: account, name: 'old' });
  expect(await outcomes(twenty.map(() => tenancy.token.rotate(everyone, { id, version })))).toEqual(lost);
  expect((await tenancy.token.list(everyone, { serviceAccountId: account })).items).toHaveLength(2);
  expect(await invariants()).toEqual([]);
});

test('what the platform uses is the sum of its tenants', async () => {
  const { own, children } = await tenancy.quota.use(everyone, { scopeId: 'platform' });
  const sum = children
    .filter(({ dimension }) => dimension === 'tenancy.projects')
    .reduce((total, { used }) => total + used, 0);
  expect(own.find(({ dimension }) => dimension === 'tenancy.projects')).toMatchObject({
    scopeId: 'platform',
    used: sum,
  });
});

test('an administrator for a time does not stand in for the last one that stays', async () => {
  const lasting = await people.person('admin');
  const binding = await people.grant(lasting.ref, 'platform-admin', { scopeId: 'platform' });
  await people.holder('platform-admin', 'platform', inHours(8));
  const last = { code: 'last-administrator' };
  await expect(tenancy.roleBinding.remove(everyone, { id: binding.id })).rejects.toMatchObject(last);
  await expect(tenancy.user.disable(everyone, { id: lasting.id })).rejects.toMatchObject(last);
});
