import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { openDatabase } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { startFaultProxy } from '@sentral/fault-proxy';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createInventory } from '../src/index.js';
import { pathTo, tree } from './scope-tree.js';
import {
  codeOf,
  orProblem,
  stand,
  type Allocation,
  type Item,
  type Outcome,
  type Reserve,
  type Stand,
} from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(12);
});
afterEach(async () => expect(await s.broken()).toEqual([]));
afterAll(() => s.close());

const vcpu = (nodeId: Id<'nod'>, amount = 1): Item => ({ what: 'capacity', nodeId, class: 'vcpu', amount });
const count = (outcomes: readonly Outcome[], code: string) => outcomes.filter((each) => codeOf(each) === code).length;

interface Tenant {
  readonly caller: Caller;
  readonly environment: ScopeRow;
}

/** Somebody of a tenant, who sees nothing but it. */
function tenant(limit?: number): Tenant {
  const of = tree(1, 1);
  const environment = of.environments[0] as ScopeRow;
  const limits = limit === undefined ? [] : [{ dimension: 'inventory.vcpu' as const, limit }];
  const scopes = pathTo(of, environment).map((row) => (row.kind === 'tenant' ? { ...row, limits } : row));
  const tenantId = of.tenant.id as Id<'tnt'>;
  return {
    environment,
    caller: {
      principal: { id: newId(), type: 'user' },
      accessEpoch: 0,
      readScope: { tenantIds: [tenantId], projectIds: [], environmentIds: [] },
      scopes,
    },
  };
}

const asking = ({ environment }: Tenant, items: readonly Item[], more: Partial<Reserve> = {}): Reserve => ({
  environmentId: environment.id,
  consumer: { service: 'test', kind: 'thing', id: newId() },
  items: [...items],
  ...more,
});
const ask = (of: Tenant, items: readonly Item[], more: Partial<Reserve> = {}, key?: string): Promise<Outcome> => {
  const keyed = key === undefined ? {} : { idempotency: { scope: 'test', key, fingerprint: 'one' } };
  return orProblem(s.inventory.allocation.reserve({ ...of.caller, ...keyed }, asking(of, items, more)));
};
const burst = <T>(n: number, work: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));

/** The transactions in which somebody took of this node, and of how many tenants each was. */
async function transactions(nodeId: Id<'nod'>): Promise<readonly { members: number; tenants: number }[]> {
  const rows = await s.admin.unsafe(
    `select count(*)::int as members, count(distinct tenant_id)::int as tenants from inventory.feed
     where type like 'inventory.allocation.%' and event -> 'items' -> 0 ->> 'nodeId' = $1 group by xid::text`,
    [nodeId],
  );
  return rows as never;
}

test('two tenants want more of one pool than there is: they share transactions, as many win, and a quota refuses its own tenant alone', async () => {
  const host = await s.host([{ class: 'vcpu', total: 30 }]);
  const [free, limited] = [tenant(), tenant(5)];
  const outcomes = await burst(64, async (i) => ({
    of: i % 2 === 0 ? free : limited,
    outcome: await ask(i % 2 === 0 ? free : limited, [vcpu(host)]),
  }));
  const all = outcomes.map(({ outcome }) => outcome);
  const ofLimited = outcomes.flatMap(({ of, outcome }) => (of === limited ? [outcome] : []));
  expect(count(all, 'ok')).toBe(30);
  expect(count(ofLimited, 'ok')).toBe(5);
  expect(count(ofLimited, 'quota-exceeded')).toBeGreaterThan(0);
  expect(count(all, 'capacity-exhausted') + count(all, 'quota-exceeded')).toBe(34);
  expect(await s.used(host)).toBe(30);
  const shared = await transactions(host);
  expect(shared.length).toBeLessThan(10);
  expect(shared.some(({ tenants }) => tenants === 2)).toBe(true);
  // What a refused one is told is kept as it is for whoever is refused alone.
  const refused = outcomes.find(({ of, outcome }) => of === free && codeOf(outcome) === 'capacity-exhausted');
  const { refusalId, explanation } = Object(refused?.outcome).facts as Record<string, unknown>;
  expect(explanation).toBeDefined();
  expect(await s.inventory.refusal.get(free.caller, { id: refusalId as Id<'rfs'> })).toMatchObject({
    problem: { code: 'capacity-exhausted' },
  });
});

test('a member that breaks the transaction harms no other: all run alone, and it alone is refused', async () => {
  const host = await s.host([{ class: 'vcpu', total: 20 }]);
  const of = tenant();
  await ask(of, [vcpu(host)]);
  await s.admin.unsafe(`create function inventory.break_group() returns trigger language plpgsql as $$ begin
    if new.consumer_id = 'breaker' then raise exception using errcode = '23505', constraint = 'allocation_request_once_per_tenant'; end if; return new; end $$`);
  await s.admin.unsafe(
    'create trigger break_group before insert on inventory.allocation for each row execute function inventory.break_group()',
  );
  const consumer = { service: 'test', kind: 'thing', id: 'breaker' };
  const outcomes = await burst(12, (i) => ask(of, [vcpu(host)], i === 7 ? { consumer } : {}));
  await s.admin.unsafe('drop function inventory.break_group() cascade');
  expect(outcomes.map(codeOf)).toEqual(outcomes.map((_, i) => (i === 7 ? 'already-exists' : 'ok')));
  expect(await s.used(host)).toBe(12);
});

test('what belongs to another tenant is not there for a member, beside one for whom it is', async () => {
  const [mine, other] = [tenant(), tenant()];
  await ask(mine, [vcpu(await s.host([{ class: 'vcpu', total: 1 }]))]);
  const node = await s.inventory.node.register(s.caller, {
    kind: 'cluster',
    name: newId(),
    tenantId: mine.environment.tenantId as Id<'tnt'>,
  });
  await s.inventory.capacity.set(s.caller, { nodeId: node.id, capacities: [{ class: 'vcpu', total: 20 }] });
  const outcomes = await burst(12, (i) => ask(i % 2 === 0 ? mine : other, [vcpu(node.id)]));
  expect(outcomes.map(codeOf)).toEqual(outcomes.map((_, i) => (i % 2 === 0 ? 'ok' : 'reference-not-found')));
});

test('eight of one key at once take once, and all are told of the same; so do eight of one consumer', async () => {
  const host = await s.host([{ class: 'vcpu', total: 20 }]);
  const of = tenant();
  const more = { consumer: { service: 'test', kind: 'thing', id: newId() } };
  const outcomes = await burst(8, () => ask(of, [vcpu(host)], more, 'the-key'));
  expect(new Set(outcomes.map((each) => (each as Allocation).id)).size).toBe(1);
  expect(outcomes.filter((each) => (each as { replayed?: boolean }).replayed !== true)).toHaveLength(1);
  expect(await s.used(host)).toBe(1);
  const reused = s.inventory.allocation.reserve(
    { ...of.caller, idempotency: { scope: 'test', key: 'the-key', fingerprint: 'another' } },
    asking(of, [vcpu(host)]),
  );
  expect(codeOf(await orProblem(reused))).toBe('idempotency-key-reused');
  const same = { consumer: { service: 'test', kind: 'thing', id: newId() } };
  const holders = await burst(8, () => ask(of, [vcpu(host)], same));
  expect([count(holders, 'ok'), count(holders, 'version-mismatch'), await s.used(host)]).toEqual([1, 7, 2]);
});

test('a connection that is lost between the commit and its answer: who sent a key is told what was stored, others that it is unknown', async () => {
  const host = await s.host([{ class: 'vcpu', total: 20 }]);
  const of = tenant();
  await ask(of, [vcpu(host)]);
  const direct = new URL(s.appUrl);
  const proxy = await startFaultProxy({ host: direct.hostname, port: Number(direct.port) });
  const app = openDatabase({ url: proxy.through(s.appUrl), applicationName: 'cut', poolSize: 6, queueLimit: 100 });
  const inventory = createInventory({ ...s.deps, db: { ...s.deps.db, app } }, { results: true });
  try {
    const sprung = proxy.trap({
      nth: 1,
      when: 'after',
      cut: 'rst',
      match: ({ type, text }) => type === 'Q' && text.startsWith('commit'),
    });
    const outcomes = await burst(12, (i) =>
      orProblem(
        inventory.allocation.reserve(
          i % 2 === 0 ? { ...of.caller, idempotency: { scope: 'test', key: newId(), fingerprint: 'one' } } : of.caller,
          asking(of, [vcpu(host)]),
        ),
      ),
    );
    await sprung;
    const unknown = count(outcomes, 'outcome-unknown');
    expect(
      count(
        outcomes.filter((_, i) => i % 2 === 0),
        'ok',
      ),
    ).toBe(6);
    expect([unknown + count(outcomes, 'ok'), await s.used(host)]).toEqual([12, 13]);
  } finally {
    await app.close();
    await proxy.stop();
  }
});

test('X and Y, half of 24 clients of four tenants the other way round: no deadlock, no failure, and both are given out', async () => {
  const [x, y] = [await s.host([{ class: 'vcpu', total: 20 }]), await s.host([{ class: 'vcpu', total: 20 }])];
  const of = Array.from({ length: 4 }, () => tenant());
  const deadlocks = async () =>
    (await s.admin.unsafe('select deadlocks::int as n from pg_stat_database where datname = current_database()'))[0]?.[
      'n'
    ];
  const before = await deadlocks();
  const outcomes = await burst(24, (i) =>
    ask(of[i % 4] as Tenant, i % 8 < 4 ? [vcpu(x), vcpu(y)] : [vcpu(y), vcpu(x)]),
  );
  expect([count(outcomes, 'ok'), count(outcomes, 'capacity-exhausted')]).toEqual([20, 4]);
  expect([await s.used(x), await s.used(y), await deadlocks()]).toEqual([20, 20, before]);
});

test('too many in a lane are told to come again, and those that wait are served', async () => {
  const host = await s.host([{ class: 'vcpu', total: 2_000 }]);
  const of = tenant();
  const outcomes = await burst(700, () => ask(of, [vcpu(host)]));
  const full = outcomes.filter((each) => codeOf(each) === 'overloaded');
  expect(full.length).toBeGreaterThan(0);
  expect((full[0] as unknown as { facts: object }).facts).toMatchObject({ retryAfterSeconds: expect.any(Number) });
  expect(count(outcomes, 'ok') + full.length).toBe(700);
  expect(await s.used(host)).toBe(count(outcomes, 'ok'));
});
