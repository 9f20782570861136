import type { ScopeRow } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathTo, tree } from '../../test/scope-tree.js';
import { everyone, openUsagePlace, type UsagePlace } from '../../test/usage-place.js';

let place: UsagePlace;
let inventory: UsagePlace['inventory'];
beforeAll(async () => {
  place = await openUsagePlace();
  ({ inventory } = place);
});
afterAll(() => place.close());

const bound = (row: ScopeRow, version: number, value: number): ScopeRow => ({
  ...row,
  version,
  policyVersion: 40 + version,
  policyBindings: [
    {
      id: encodeId('plb', newId()),
      key: 'inventory.leaseSecondsMax',
      value,
      lock: 'override',
      mode: 'enforce',
    },
  ],
});

describe('a lease that is to last longer', () => {
  test('is held to the policies that its caller brings, and says by which version', async () => {
    const of = tree(1, 1);
    const [environment] = of.environments as [ScopeRow];
    const domainId = await place.numbers();
    const held = await place.reserve(of, environment, { domainId, ttlSeconds: 60, maxTtlSeconds: 3_600 });
    const narrowed = { ...of, tenant: bound(of.tenant, 2, 120) };
    const caller = { ...everyone, scopes: pathTo(narrowed, environment) };
    const refused = { code: 'policy-violation', facts: { key: 'inventory.leaseSecondsMax', scope: of.tenant.id } };
    const { id } = held;
    await expect(inventory.allocation.renew(caller, { id, ttlSeconds: 600 })).rejects.toMatchObject(refused);
    expect(await inventory.allocation.renew(everyone, { id, ttlSeconds: 100 })).toMatchObject({ policyVersion: 42 });
    // For good is longer than any bound.
    await expect(inventory.allocation.confirm(everyone, { id })).rejects.toMatchObject(refused);
    const lifted = { ...of, tenant: { ...of.tenant, version: 3, policyVersion: 43 } };
    expect(
      await inventory.allocation.confirm({ ...everyone, scopes: pathTo(lifted, environment) }, { id }),
    ).toMatchObject({ state: 'active', policyVersion: 43 });
  });

  test('does not in a suspended scope, which may give back', async () => {
    const of = tree(1, 1);
    const [environment] = of.environments as [ScopeRow];
    const { id } = await place.reserve(of, environment, { domainId: await place.numbers(), ttlSeconds: 60 });
    const suspended = { ...of, tenant: { ...of.tenant, version: 2, state: 'suspended' as const } };
    const caller = { ...everyone, scopes: pathTo(suspended, environment) };
    await expect(inventory.allocation.renew(caller, { id })).rejects.toMatchObject({ code: 'scope-not-active' });
    await expect(inventory.allocation.confirm(caller, { id })).rejects.toMatchObject({ code: 'scope-not-active' });
    await inventory.allocation.release(caller, { id });
  });
});

test('a trial of policies takes values of their kind alone, and says so when it did not look at everything', async () => {
  const scopeId = tree(1, 1).tenant.id as Id<'tnt'>;
  await expect(
    inventory.policyTrial.list(everyone, { scopeId, values: { 'inventory.leaseSecondsMax': 'long' as never } }),
  ).rejects.toMatchObject({
    code: 'validation-failed',
    facts: { errors: [{ pointer: '/values/inventory.leaseSecondsMax' }] },
  });
  await place.admin.unsafe(
    `set local session_replication_role = replica; set local statement_timeout = '120s';
     insert into inventory.allocation (id, tenant_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state)
       select gen_random_uuid(), '${newId()}', gen_random_uuid(), 'r' || n, 's', 'k', n::text, 'active' from generate_series(1, 10001) n`,
  );
  const trial = await inventory.policyTrial.list(everyone, {
    scopeId: 'platform',
    values: { 'inventory.leaseSecondsMax': 60 },
  });
  expect([trial.examined, trial.refused, trial.cut, trial.items.length]).toEqual([10_000, 10_000, true, 100]);
});
