import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { inTransaction } from '@sentral/kernel/transaction';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathTo, tree } from '../../test/scope-tree.js';
import { everyone, openUsagePlace, type UsagePlace } from '../../test/usage-place.js';
import { overdueStatement } from '../allocation/sweep-sql.js';
import { betweenStatement, columnOf, livingStatement } from './sql.js';

let place: UsagePlace;
let inventory: UsagePlace['inventory'];

beforeAll(async () => {
  place = await openUsagePlace();
  ({ inventory } = place);
});
afterAll(() => place.close());

const to = (row: ScopeRow, state: ScopeRow['state'], version: number): ScopeRow => ({ ...row, state, version });
const bringing = (...scopes: ScopeRow[]): Caller => ({ ...everyone, scopes });

describe('what keeps a scope from being deleted', () => {
  test('everything that is dedicated to a tenant, by kind and count, until it is gone', async () => {
    const of = tree(1, 1);
    const [environment] = of.environments as [ScopeRow];
    const tenantId = of.tenant.id as Id<'tnt'>;
    const told = (version: number) =>
      inventory.usage.count(bringing({ ...of.tenant, version }), { scopeId: tenantId, version });
    expect((await told(1)).dependents).toEqual([]);
    const site = await inventory.node.register(bringing(of.tenant), { kind: 'site', name: newId(), tenantId });
    const space = await inventory.addressSpace.create(everyone, { name: newId() });
    const block = await inventory.addressBlock.create(everyone, { spaceId: space.id, cidr: '10.0.0.0/8' });
    const host = await inventory.address.record(everyone, { spaceId: space.id, address: '10.1.1.1' });
    const domainId = await place.numbers();
    await inventory.number.record(everyone, { domainId, value: 7 });
    const held = await place.reserve(of, environment, { domainId });
    await inTransaction(place.admin, async (tx) => {
      // No verb gives these a tenant yet but an allocation and an import; the columns say whose they are.
      await tx.unsafe('set local session_replication_role = replica');
      for (const [table, id] of [
        ['address_space', decodeId('spc', space.id)],
        ['address_block', decodeId('blk', block.id)],
        ['address', decodeId('adr', host.id)],
      ] as const)
        await tx.unsafe(`update inventory.${table} set tenant_id = $1 where id = $2`, [decodeId('tnt', tenantId), id]);
      await tx.unsafe('update inventory.number set tenant_id = $1 where domain_id = $2', [
        decodeId('tnt', tenantId),
        decodeId('ndm', domainId),
      ]);
    });
    const of1 = (type: string, id: string) => ({ type, count: 1, ids: [id] });
    expect((await told(2)).dependents).toEqual([
      of1('allocation', held.id),
      of1('node', site.id),
      of1('addressSpace', space.id),
      of1('addressBlock', block.id),
      of1('address', host.id),
      of1('number', domainId),
    ]);
    await inventory.allocation.release(everyone, { id: held.id });
    await inventory.node.retire(everyone, { id: site.id });
    await inventory.address.remove(everyone, { id: host.id });
    await inventory.addressBlock.remove(everyone, { id: block.id });
    expect((await told(3)).dependents.map(({ type }) => type)).toEqual(['addressSpace', 'number']);
  });

  test('nothing that has run out, swept or not; and a block that was taken for a time goes with its lease', async () => {
    const of = tree(1, 1);
    const [environment] = of.environments as [ScopeRow];
    const space = await inventory.addressSpace.create(everyone, { name: newId() });
    const block = await inventory.addressBlock.create(everyone, { spaceId: space.id, cidr: '10.0.0.0/16' });
    const taken = await inventory.allocation.reserve(bringing(...pathTo(of, environment)), {
      environmentId: environment.id,
      consumer: { service: 'test', kind: 'thing', id: newId() },
      items: [{ what: 'block', blockId: block.id, prefixLength: 24 }],
      ttlSeconds: 60,
    });
    const count = (scopeId: ScopeRow['id']) => inventory.usage.count(everyone, { scopeId, version: 1 });
    expect((await count(of.tenant.id)).dependents.map(({ type }) => type)).toEqual(['allocation', 'addressBlock']);
    await place.runOut([taken.requestId]);
    for (const { id } of [of.tenant, ...of.projects, environment]) expect((await count(id)).dependents).toEqual([]);
    expect(await inventory.allocation.get(everyone, { id: taken.id })).toMatchObject({ state: 'expired' });
  });

  test('a node is dedicated to a tenant that is known and goes on, or not at all; in races with its delete either is told', async () => {
    const name = () => ({ kind: 'site', name: newId() });
    const stranger = tree(1, 1).tenant.id as Id<'tnt'>;
    await expect(inventory.node.register(everyone, { ...name(), tenantId: stranger })).rejects.toMatchObject({
      code: 'reference-not-found',
      facts: { pointer: '/tenantId' },
    });
    let told = 0;
    for (let round = 0; round < 40; round += 1) {
      const { tenant } = tree(1, 1);
      const tenantId = tenant.id as Id<'tnt'>;
      const node = await inventory.node.register(bringing(tenant), name());
      const [counted, ...made] = await Promise.all([
        inventory.usage.count(bringing(to(tenant, 'deleting', 2)), { scopeId: tenantId, version: 2 }),
        ...[
          inventory.node.register(everyone, { ...name(), tenantId }),
          inventory.node.amend(everyone, { id: node.id, patch: { tenantId } }),
          inventory.node.register(everyone, { ...name(), tenantId }),
        ].map((each) =>
          each.then(
            () => 1,
            () => 0,
          ),
        ),
      ]);
      const there = made.reduce<number>((sum, each) => sum + each, 0);
      expect(counted.dependents[0]?.count ?? 0).toBe(there);
      told += there;
      await expect(inventory.node.register(everyone, { ...name(), tenantId })).rejects.toMatchObject({
        code: 'state-conflict',
      });
    }
    expect(told).toBeGreaterThan(0);
  });
});

test('with many allocations, each level is counted, cleared and summed up by an index of its own', async () => {
  const ids = { tenant: newId(), project: newId(), environment: newId() };
  await place.admin.unsafe(
    `set local session_replication_role = replica; set local statement_timeout = '120s';
     insert into inventory.allocation (id, tenant_id, project_id, scope_id, request_id, consumer_service, consumer_kind, consumer_id, state, ended_at, starts_at, expires_at)
       select gen_random_uuid(), t, p, e, 'r' || n, 's', 'k', n::text, case when n % 2 = 0 then 'held' else 'released' end,
         case when n % 2 = 0 then null else now() end, now() - interval '1 day', now() - interval '1 hour'
       from generate_series(1, 12000) n, lateral (select case when n % 300 = 0 then '${ids.tenant}'::uuid else gen_random_uuid() end as t,
         case when n % 300 = 0 then '${ids.project}'::uuid else gen_random_uuid() end as p, case when n % 300 = 0 then '${ids.environment}'::uuid else gen_random_uuid() end as e) x`,
  );
  await place.admin.unsafe('analyze inventory.allocation');
  for (const level of ['tenant', 'project', 'environment'] as const) {
    const plans = [
      await place.plan(livingStatement(level), [ids[level]]),
      await place.plan(overdueStatement(level), [ids[level], 50]),
      await place.plan(betweenStatement(level), [ids[level], new Date(Date.now() - 60_000), new Date()]),
    ];
    for (const plan of plans) {
      expect(plan).toMatch(new RegExp(`Index Cond: \\(*${columnOf[level]} = `));
      // Thousands of allocations would be looked through; the other tables have a few hundred rows in all.
      expect(plan).not.toMatch(/Seq Scan on allocation\b|Rows Removed by Filter: \d{4}/);
    }
  }
});
