import type { Caller, ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { newId } from '@sentral/kernel/id';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { pathTo, tree } from './scope-tree.js';
import { codeOf, orProblem, stand, type Allocation, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(12);
});
afterEach(async () => expect(await s.broken()).toEqual([]));
afterAll(() => s.close());

interface Tenant {
  readonly caller: Caller;
  readonly environment: ScopeRow;
}

/** Somebody of a tenant, who sees nothing but it. */
function tenant(): Tenant {
  const of = tree(1, 1);
  const environment = of.environments[0] as ScopeRow;
  const readScope = { tenantIds: [of.tenant.id as Id<'tnt'>], projectIds: [], environmentIds: [] };
  const principal = { id: newId(), type: 'user' as const };
  return { environment, caller: { principal, accessEpoch: 0, readScope, scopes: pathTo(of, environment) } };
}

const take = ({ caller, environment }: Tenant, nodeId: Id<'nod'>): Promise<Allocation> =>
  s.inventory.allocation.reserve(caller, {
    environmentId: environment.id,
    consumer: { service: 'test', kind: 'thing', id: newId() },
    items: [{ what: 'capacity', nodeId, class: 'vcpu', amount: 1 }],
  });
const give = (caller: Caller, id: Id<'alc'>, more: { version?: number; fence?: number } = {}) =>
  orProblem(s.inventory.allocation.release(caller, { id, ...more }));
const burst = <T>(n: number, work: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));

/** Of each transaction in which something of this node was given back, how many shared it. */
async function shared(nodeId: Id<'nod'>): Promise<readonly number[]> {
  const rows = await s.admin.unsafe(
    `select count(*)::int as members from inventory.feed
     where type = 'inventory.allocation.released' and event -> 'items' -> 0 ->> 'nodeId' = $1 group by xid::text`,
    [nodeId],
  );
  return rows.map((row) => Number(row['members']));
}

test('two tenants give back of one pool at once: they share transactions, each is answered and recorded as its own, and nothing is left counted', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const of = [tenant(), tenant()] as const;
  const held = await burst(40, (i) => take(of[i % 2] as Tenant, host));
  const answers = await burst(40, (i) => give((of[i % 2] as Tenant).caller, held[i]?.id as Id<'alc'>));
  expect(answers).toEqual(
    held.map((each) => expect.objectContaining({ id: each.id, state: 'released', version: each.version + 1 })),
  );
  expect(await s.used(host)).toBe(0);
  const groups = await shared(host);
  expect(groups.reduce((a, b) => a + b, 0)).toBe(40);
  expect(groups.length).toBeLessThan(20);
  const rows = await s.admin.unsafe(
    `select distinct resource_id, audit -> 'principal' ->> 'id' = (select a.audit -> 'principal' ->> 'id' from inventory.feed a
       where a.resource_id = f.resource_id and a.resource_version = 1) as own
     from inventory.feed f where type = 'inventory.allocation.released'`,
  );
  expect(rows.every((row) => row['own'] === true)).toBe(true);
});

test('what one is refused harms no other of its group: another’s, an old version, an old fence, one that is given back twice', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const [mine, other] = [tenant(), tenant()];
  const held = await burst(6, () => take(mine, host));
  const [a, b, c, d, e, f] = held.map(({ id }) => id) as Id<'alc'>[];
  const outcomes = await Promise.all([
    give(mine.caller, a as Id<'alc'>),
    give(other.caller, b as Id<'alc'>),
    give(mine.caller, c as Id<'alc'>, { version: 7 }),
    give(mine.caller, d as Id<'alc'>, { fence: 0 }),
    give(mine.caller, e as Id<'alc'>),
    give(mine.caller, e as Id<'alc'>),
    give(mine.caller, f as Id<'alc'>, { version: 1 }),
  ]);
  const codes = outcomes.map(codeOf);
  // Which of the two that give back the same comes first is nobody's to say.
  expect(codes.splice(4, 2).toSorted()).toEqual(['not-found', 'ok']);
  expect(codes).toEqual(['ok', 'not-found', 'version-mismatch', 'fence-stale', 'ok']);
  expect(await s.used(host)).toBe(3);
});

test('eight of one key give back once, and all are told of the same', async () => {
  const host = await s.host([{ class: 'vcpu', total: 10 }]);
  const of = tenant();
  const { id } = await take(of, host);
  const keyed = { ...of.caller, idempotency: { scope: 'test', key: newId(), fingerprint: 'one' } };
  const outcomes = await burst(8, () => give(keyed, id));
  expect(outcomes.map(codeOf)).toEqual(Array.from({ length: 8 }, () => 'ok'));
  expect(outcomes.filter((each) => (each as { replayed?: boolean }).replayed !== true)).toHaveLength(1);
  expect(await s.used(host)).toBe(0);
});

test('of many that take and give back together each has its own key: who sends it again is told of its own', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const of = tenant();
  const keyed = (i: number, doing: string): Tenant => ({
    ...of,
    caller: { ...of.caller, idempotency: { scope: 'test', key: `${host} ${doing} ${i}`, fingerprint: `${i}` } },
  });
  const requests = Array.from({ length: 24 }, () => ({ service: 'test', kind: 'thing', id: newId() }));
  const taking = () =>
    burst(24, (i) =>
      s.inventory.allocation.reserve(keyed(i, 'take').caller, {
        environmentId: of.environment.id,
        consumer: requests[i] as (typeof requests)[number],
        items: [{ what: 'capacity', nodeId: host, class: 'vcpu', amount: 1 }],
      }),
    );
  const held = await taking();
  const giving = () => burst(24, (i) => give(keyed(i, 'give').caller, held[i]?.id as Id<'alc'>));
  const gone = await giving();
  expect((await shared(host)).length).toBeLessThan(12);
  expect(held.map(({ consumer }) => consumer)).toEqual(requests);
  expect(gone.map((each) => 'id' in each && each.id)).toEqual(held.map(({ id }) => id));
  expect(await taking()).toEqual(held.map((each) => ({ ...each, replayed: true })));
  expect(await giving()).toEqual(gone.map((each) => ({ ...(each as Allocation), replayed: true })));
});

test('a member that breaks the transaction harms no other: all run alone, and it alone is refused', async () => {
  const host = await s.host([{ class: 'vcpu', total: 20 }]);
  const of = tenant();
  const held = await burst(8, () => take(of, host));
  await s.admin.unsafe(`create function inventory.break_group() returns trigger language plpgsql as $$ begin
    if new.consumer_id = '${held[3]?.consumer.id}' then raise exception using errcode = '23505', constraint = 'allocation_request_once_per_tenant'; end if; return new; end $$`);
  await s.admin.unsafe(
    'create trigger break_group before update on inventory.allocation for each row execute function inventory.break_group()',
  );
  const outcomes = await burst(8, (i) => give(of.caller, held[i]?.id as Id<'alc'>));
  await s.admin.unsafe('drop function inventory.break_group() cascade');
  expect(outcomes.map(codeOf)).toEqual(outcomes.map((_, i) => (i === 3 ? 'internal' : 'ok')));
  expect(await s.used(host)).toBe(1);
});

test('what is given back while others exchange it is locked in their order: no deadlock, and each is one or the other', async () => {
  const host = await s.host([{ class: 'vcpu', total: 100 }]);
  const of = tenant();
  const deadlocks = async () =>
    (await s.admin.unsafe('select deadlocks::int as n from pg_stat_database where datname = current_database()'))[0]?.[
      'n'
    ];
  const before = await deadlocks();
  for (let round = 0; round < 4; round += 1) {
    const held = await burst(12, () => take(of, host));
    const outcomes = await burst(24, (i) => {
      const { id } = held[i % 12] as Allocation;
      if (i < 12) return give(of.caller, id);
      const items = [{ what: 'capacity' as const, nodeId: host, class: 'vcpu', amount: 2 }];
      return orProblem(s.inventory.allocation.replace(of.caller, { id, items }));
    });
    expect(outcomes.slice(0, 12).map(codeOf)).toEqual(held.map(() => 'ok'));
    expect(outcomes.map(codeOf).filter((code) => !['ok', 'state-conflict'].includes(code))).toEqual([]);
    expect(await s.used(host)).toBe(0);
  }
  expect(await deadlocks()).toBe(before);
});

test('who takes while others give back never gets more than there is, and in the end as many hold as are counted', async () => {
  const host = await s.host([{ class: 'vcpu', total: 8 }]);
  const of = [tenant(), tenant()] as const;
  let most = 0;
  let kept = 0;
  const watching = setInterval(() => void s.used(host).then((used) => (most = Math.max(most, used))), 5);
  const outcomes = await burst(24, async (i) => {
    const by = of[i % 2] as Tenant;
    const codes: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const taken = await orProblem(take(by, host));
      codes.push(codeOf(taken));
      if (!('id' in taken)) continue;
      if ((i + round) % 3 === 0) kept += 1;
      else codes.push(codeOf(await give(by.caller, taken.id)));
    }
    return codes;
  });
  clearInterval(watching);
  expect(new Set(outcomes.flat())).toEqual(new Set(['ok', 'capacity-exhausted']));
  expect(most).toBeLessThanOrEqual(8);
  expect(await s.used(host)).toBe(kept);
});
