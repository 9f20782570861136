import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import { decodeId, encodeId, type Id } from '@sentral/contracts/ids';
import { isProblem } from '@sentral/contracts/problem';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { constraintName } from '@sentral/kernel/errors';
import { newId } from '@sentral/kernel/id';
import { fillScopes, takeInScope } from '@sentral/kernel/scopes/news';
import { inTransaction } from '@sentral/kernel/transaction';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Deps } from '../deps.js';
import { createInventory, type Inventory } from '../index.js';
import { scopes } from '../projection/view.js';
import { pathTo, tree, type Tree } from '../../test/scope-tree.js';
import { netMoves } from './move.js';

let place: TestDatabase;
let admin: Database;
let deps: Deps;
let inventory: Inventory;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string) => openDatabase({ url: place.url(role), applicationName: 'quota-test', poolSize: 12 });
  admin = openDatabase({ url: place.adminUrl, applicationName: 'quota-test', poolSize: 2 });
  const telemetry = createTelemetry({ level: 'error', write: () => undefined });
  const db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  deps = { db, now: () => new Date(), newId, telemetry };
  inventory = createInventory(deps, { results: true });
});
afterAll(async () => {
  await Promise.all([admin, ...Object.values(deps.db)].map((each) => each.close()));
  await place.drop();
});

const everyone: Caller = {
  principal: { id: 'test', type: 'system' },
  accessEpoch: 0,
  readScope: { all: true },
  scopes: [],
};

async function numbers(): Promise<Id<'ndm'>> {
  const domain = await inventory.numberDomain.create(everyone, {
    name: `d-${newId()}`,
    kind: 'vni',
    coolDownSeconds: 0,
  });
  await inventory.numberRange.create(everyone, { domainId: domain.id, start: 1, end: 100_000 });
  return domain.id;
}

/** Overloaded is no outcome: nothing happened, and a client asks again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isProblem(error, 'overloaded') || tries > 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const codeOf = (error: unknown) => (isProblem(error) ? error.code : String(error));

function reserve(
  of: Tree,
  environment: ScopeRow,
  domainId: Id<'ndm'>,
  more: { count?: number; ttlSeconds?: number } = {},
) {
  const { count = 1, ...rest } = more;
  return inventory.allocation.reserve(
    { ...everyone, scopes: pathTo(of, environment) },
    {
      environmentId: environment.id,
      consumer: { service: 'test', kind: 'thing', id: newId() },
      items: [{ what: 'number', domainId, count }],
      ...rest,
    },
  );
}

async function counters(of: Tree) {
  const { own } = await inventory.usage.now(everyone, { scopeId: of.tenant.id });
  return own.find(({ dimension }) => dimension === 'inventory.number');
}

const broken = async () =>
  (await inventory.invariant.list(everyone, {})).items
    .filter(({ violations }) => violations > 0)
    .map(({ name, examples }) => [name, examples]);

describe('a quota', () => {
  test('of 32 clients in 8 environments of 4 projects that want more than their tenant may have, exactly 100 get one', async () => {
    const bare = tree(4, 2);
    const of = { ...bare, tenant: { ...bare.tenant, limits: [{ dimension: 'inventory.number', limit: 100 }] } };
    const domainId = await numbers();
    const refusals: string[] = [];
    let granted = 0;
    const client = async (at: number) => {
      for (let n = 0; n < 5; n += 1) {
        try {
          await patiently(() => reserve(of, of.environments[(at + n) % 8] as ScopeRow, domainId));
          granted += 1;
        } catch (error) {
          refusals.push(codeOf(error));
        }
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, at) => client(at)));
    expect([granted, new Set(refusals)]).toEqual([100, new Set(['quota-exceeded'])]);
    expect(await counters(of)).toMatchObject({ used: 100, limit: 100, overBy: 0 });
    expect(await broken()).toEqual([]);
    await expect(reserve(of, of.environments[0] as ScopeRow, domainId)).rejects.toMatchObject({
      code: 'quota-exceeded',
      facts: { dimension: 'inventory.number', limit: 100, used: 100, requested: 1, scope: of.tenant.id },
    });
  });

  test('a limit below use stops growth and nothing else: what is given back is given back', async () => {
    const of = tree(1, 1);
    const [environment] = of.environments as [ScopeRow];
    const domainId = await numbers();
    const held = await Promise.all(Array.from({ length: 5 }, () => reserve(of, environment, domainId)));
    const lowered: Tree = {
      ...of,
      tenant: { ...of.tenant, version: 2, limits: [{ dimension: 'inventory.number', limit: 3 }] },
    };
    await expect(reserve(lowered, environment, domainId)).rejects.toMatchObject({ code: 'quota-exceeded' });
    expect(await counters(of)).toMatchObject({ used: 5, limit: 3, overBy: 2 });
    await expect(reserve(lowered, environment, domainId)).rejects.toMatchObject({ code: 'quota-exceeded' });
    for (const { id } of held.slice(0, 3)) await inventory.allocation.release(everyone, { id });
    expect(await counters(of)).toMatchObject({ used: 2, limit: 3, overBy: 0 });
    await reserve(lowered, environment, domainId);
    await expect(reserve(lowered, environment, domainId)).rejects.toMatchObject({ code: 'quota-exceeded' });
    const lifted: Tree = { ...of, tenant: { ...of.tenant, version: 3, limits: [] } };
    await reserve(lifted, environment, domainId);
    expect(await counters(of)).toEqual({
      scopeId: of.tenant.id,
      dimension: 'inventory.number',
      used: 4,
      overBy: 0,
    });
    expect(await broken()).toEqual([]);
  });

  test('raw SQL cannot grow a counter over its cap, and may shrink one that lies over it', async () => {
    const scope = newId();
    await admin.unsafe(
      `insert into inventory.quota_use (scope_id, dimension, used, cap, over_by) values ($1, 'inventory.vlan', 5, 3, 2)`,
      [scope],
    );
    const change = (used: number) =>
      admin.unsafe('update inventory.quota_use set used = $2, over_by = greatest(0, $2 - cap) where scope_id = $1', [
        scope,
        used,
      ]);
    const grown = await change(6).catch((error: unknown) => constraintName(error));
    expect(grown).toBe('quota_never_grown_over_cap');
    await change(4);
    await admin.unsafe('delete from inventory.quota_use where scope_id = $1', [scope]);
  });

  test('what has run out never fills a quota, also where no sweeper has been', async () => {
    const bare = tree(1, 1);
    const of = { ...bare, tenant: { ...bare.tenant, limits: [{ dimension: 'inventory.number', limit: 1 }] } };
    const [environment] = of.environments as [ScopeRow];
    const domainId = await numbers();
    const held = await reserve(of, environment, domainId, { ttlSeconds: 60 });
    await expect(reserve(of, environment, domainId)).rejects.toMatchObject({ code: 'quota-exceeded' });
    await inTransaction(admin, async (tx) => {
      await tx.unsafe('set local session_replication_role = replica');
      await tx.unsafe(
        `update inventory.allocation set starts_at = now() - interval '2 minutes', expires_at = now() - interval '1 minute' where ended_at is null and request_id = $1`,
        [held.requestId],
      );
    });
    // No sweeper runs here: the taker itself ends what is overdue in the scope that is full.
    const next = await reserve(of, environment, domainId);
    expect(await counters(of)).toMatchObject({ used: 1, limit: 1 });
    expect(await inventory.allocation.get(everyone, { id: held.id })).toMatchObject({ state: 'expired' });
    await expect(reserve(of, environment, domainId)).rejects.toMatchObject({ code: 'quota-exceeded' });
    await inventory.allocation.release(everyone, { id: next.id });
    expect(await broken()).toEqual([]);
  });

  test('a counter that was tampered with is found', async () => {
    const of = tree(1, 1);
    await reserve(of, of.environments[0] as ScopeRow, await numbers());
    await admin.unsafe(`update inventory.quota_use set used = used + 1 where scope_id = $1`, [
      (await admin.unsafe('select tenant_id from inventory.allocation order by id desc limit 1'))[0]?.['tenant_id'],
    ]);
    expect((await broken()).map(([name]) => name)).toEqual(['inventory.quota.countersAreTheLedger']);
    await admin.unsafe(
      `update inventory.quota_use set used = used - 1 where scope_id = (select tenant_id from inventory.allocation order by id desc limit 1)`,
    );
    expect(await broken()).toEqual([]);
  });
});

test('what one transaction takes and gives back cancels out, and the rest goes tenant before project before environment', () => {
  const of = (delta: number, dimension = 'a') => ({ tenantId: 't', projectId: 'p', scopeId: 'e', dimension, delta });
  expect(netMoves([of(1), of(-1)])).toEqual([]);
  expect(netMoves([of(2, 'b'), of(1)]).map(({ rank, dimension, delta }) => [rank, dimension, delta])).toEqual([
    [0, 'a', 1],
    [0, 'b', 2],
    [1, 'a', 1],
    [1, 'b', 2],
    [2, 'a', 1],
    [2, 'b', 2],
  ]);
});

describe('the projection of scopes', () => {
  test(
    'an environment that nobody told of before works with the first request, a thousand times of a thousand',
    { timeout: 120_000 },
    async () => {
      const domainId = await numbers();
      const of = tree(1, 1_000);
      const waiting = [...of.environments];
      const client = async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          const environment = next;
          await patiently(() => reserve(of, environment, domainId));
        }
      };
      await Promise.all(Array.from({ length: 16 }, client));
      expect(await counters(of)).toMatchObject({ used: 1_000 });
    },
  );

  test('an environment that nobody told of at all is no reference', async () => {
    const of = tree(1, 1);
    const call = inventory.allocation.reserve(everyone, {
      environmentId: of.environments[0]?.id as Id<'env'>,
      consumer: { service: 'test', kind: 'thing', id: newId() },
      items: [{ what: 'number', domainId: await numbers() }],
    });
    await expect(call).rejects.toMatchObject({ code: 'reference-not-found' });
  });

  test('rebuilt by pages it is what it became by events, in whatever order and however often they came', async () => {
    const of = tree(2, 2);
    const rows = [of.tenant, ...of.projects, ...of.environments];
    const history = rows.flatMap((row) =>
      [1, 2, 3].map((version): ScopeRow => ({
        ...row,
        version,
        state: version === 2 ? 'suspended' : 'active',
        limits: [{ dimension: 'inventory.vlan', limit: version * 10 }],
        policyVersion: version,
      })),
    );
    const shuffled = [...history, ...history].toSorted(() => Math.random() - 0.5);
    for (const projection of shuffled)
      await takeInScope(deps.db.app, scopes, {
        id: newId(),
        data: JSON.stringify({ data: { ...projection, projection } }),
      });
    const seen = async () =>
      deps.db.platform.unsafe(
        `select s.id, s.kind, s.parent_id, s.tenant_id, s.state, s.version, s.limits, s.policy_version, q.cap from inventory.scope_view s
         left join inventory.quota_use q on q.scope_id = s.id where s.tenant_id = $1::uuid
         order by s.id`,
        [decodeId('tnt', of.tenant.id)],
      );
    const grown = await seen();
    expect(grown).toHaveLength(rows.length);
    await admin.unsafe(`delete from inventory.quota_use where dimension = 'inventory.vlan'`);
    await admin.unsafe(`delete from inventory.scope_view where limits @> '[{"dimension":"inventory.vlan"}]'`);
    const newest = history.filter(({ version }) => version === 3);
    await fillScopes(deps.db.app, scopes, { source: { page: async () => ({ rows: newest, more: false }) } });
    expect(await seen()).toEqual(grown);
  });

  test(
    'either the delete hears of the allocation or there is none, in two hundred races',
    { timeout: 120_000 },
    async () => {
      const domainId = await numbers();
      let both = 0;
      let blocked = 0;
      for (let round = 0; round < 200; round += 1) {
        const of = tree(1, 1);
        const [environment] = of.environments as [ScopeRow];
        const path = pathTo(of, environment);
        const before = performance.now();
        await inventory.projection.apply({ ...everyone, scopes: path }, {});
        // From at once to twice the time that a row takes here: on every machine both ends come first in some rounds.
        const laterMs = ((performance.now() - before) * (round % 5)) / 2;
        const deleting = path.map((row) =>
          row.id === environment.id ? { ...row, state: 'deleting' as const, version: 2 } : row,
        );
        const [counted, ...taken] = await Promise.all([
          inventory.usage.count({ ...everyone, scopes: deleting }, { scopeId: environment.id, version: 2 }),
          ...Array.from({ length: 4 }, async () => {
            await new Promise((resolve) => setTimeout(resolve, laterMs));
            return reserve(of, environment, domainId).then(
              () => true,
              () => false,
            );
          }),
        ]);
        const granted = taken.filter(Boolean).length;
        const told = counted.dependents[0]?.count ?? 0;
        if (told > 0) blocked += 1;
        if (told !== granted) both += 1;
      }
      expect(both, 'rounds in which an allocation was not counted').toBe(0);
      expect(blocked, 'rounds in which the race was a race').toBeGreaterThan(0);
      expect(blocked).toBeLessThan(200);
    },
  );
});

describe('use over time', () => {
  test('over a month it is the sum by hand, whole and per child, and what ran out unswept counts until it did', async () => {
    const of = tree(2, 1);
    const domainId = await numbers();
    const [first, second] = of.environments as [ScopeRow, ScopeRow];
    const spans = [
      { environment: first, from: '2026-10-01T00:00:00Z', to: '2026-10-11T00:00:00Z' },
      { environment: first, from: '2026-09-01T00:00:00Z', to: '2026-10-02T12:00:00Z' },
      { environment: second, from: '2026-10-20T06:00:00Z', to: null },
      { environment: second, from: '2026-08-01T00:00:00Z', to: '2026-09-30T00:00:00Z' },
    ];
    for (const span of spans) {
      const made = await reserve(of, span.environment, domainId, { ttlSeconds: 60 });
      await inTransaction(admin, async (tx) => {
        await tx.unsafe('set local session_replication_role = replica');
        await tx.unsafe(
          `update inventory.allocation_item set during = tstzrange($2::timestamptz, coalesce($3::timestamptz, 'infinity')), ended_at = $3::timestamptz
           where allocation_id = (select id from inventory.allocation where request_id = $1)`,
          [made.requestId, span.from, span.to],
        );
      });
    }
    const month = { from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' };
    const { items } = await inventory.usage.between(everyone, { scopeId: of.tenant.id, ...month });
    const day = 86_400;
    const byHand = { first: 10 * day + 1.5 * day, second: 11 * day + 18 * 3_600 };
    expect(items).toEqual(
      [
        { scopeId: of.tenant.id, unitSeconds: String(byHand.first + byHand.second), heldAtEnd: 1 },
        { scopeId: of.projects[0]?.id, unitSeconds: String(byHand.first), heldAtEnd: 0 },
        { scopeId: of.projects[1]?.id, unitSeconds: String(byHand.second), heldAtEnd: 1 },
      ].map((item) => ({ dimension: 'inventory.number', ...item })),
    );
    const asked = (from: string, to: string) => inventory.usage.between(everyone, { scopeId: of.tenant.id, from, to });
    const at = (parameter: string) => ({ code: 'invalid-parameter', facts: { parameter } });
    await expect(asked('2999-01-01T00:00:00.000Z', '2999-02-01T00:00:00.000Z')).rejects.toMatchObject(at('from'));
    await expect(asked(month.to, month.from)).rejects.toMatchObject(at('to'));
    await expect(asked('2025-01-01T00:00:00.000Z', month.to)).rejects.toMatchObject(at('to'));
    const whole = await inventory.usage.between(everyone, { scopeId: 'platform', ...month });
    expect(whole.items.filter(({ scopeId }) => scopeId === of.tenant.id)).toMatchObject([
      { unitSeconds: String(byHand.first + byHand.second), heldAtEnd: 1 },
    ]);
    const future = await inventory.usage.between(everyone, {
      scopeId: second.id,
      from: '2026-10-20T06:00:00.000Z',
      to: '2027-06-01T00:00:00.000Z',
    });
    const elapsed = (Date.parse(future.to) - Date.parse(future.from)) / 1_000;
    expect(Date.parse(future.to)).toBeLessThanOrEqual(Date.now());
    expect(Number(future.items[0]?.unitSeconds)).toBeCloseTo(elapsed, 2);
  });

  test('what the caller may not see has no use', async () => {
    const of = tree(1, 1);
    await reserve(of, of.environments[0] as ScopeRow, await numbers());
    const stranger: Caller = {
      ...everyone,
      readScope: { tenantIds: [encodeId('tnt', newId())], projectIds: [], environmentIds: [] },
    };
    const call = inventory.usage.now(stranger, { scopeId: of.tenant.id });
    await expect(call).rejects.toMatchObject({ code: 'not-found' });
  });
});
