import type { Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everyone, openTenancy, type Opened } from '../../test/open.js';
import { inHours, peopleOf } from '../../test/people.js';

let opened: Opened;
let tenancy: Opened['tenancy'];
let people: ReturnType<typeof peopleOf>;

beforeAll(async () => {
  opened = await openTenancy();
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
