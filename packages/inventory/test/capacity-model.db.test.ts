import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import type { Explanation } from '@sentral/contracts/inventory/refusal';
import { isProblem } from '@sentral/contracts/problem';
import { defaultProjectId } from '@sentral/contracts/tenancy';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s.close());

const caps = [7, 5] as const;
const limit = 8;

/** A holder as the model has it: its amounts by host, and whether a lease ends it. */
interface Holder {
  readonly id: Id<'alc'>;
  version: number;
  amounts: readonly number[];
  readonly leased: boolean;
}

const amounts = fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })).filter(([a, b]) => a + b > 0);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('take' as const), amounts, leased: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('resize' as const), at: fc.nat(), amounts }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('release' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('renew' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('expire' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('sweep' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test('whatever is tried, taken, resized, renewed, given back and left to run out: the outcome is the model’s, a refusal names what alone is in the way and lifting it lets the same request through, and ledger, counter and quota agree after each step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const world = await begin();
      for (const each of steps) {
        await play(world, each);
        await agree(world);
      }
      while ((await sweepAllocations(s.deps)) > 0);
      const held = caps.map((_, host) => sum(world.holders.map((holder) => holder.amounts[host] ?? 0)));
      expect(await Promise.all(world.hosts.map((host) => s.used(host)))).toEqual(held);
      expect(await s.broken()).toEqual([]);
      for (const { id } of world.holders) await s.inventory.allocation.release(s.caller, { id });
    }),
    { numRuns: 15, endOnFailure: true },
  );
}, 240_000);

interface World {
  /** What is tried may not change a row; looked at once a run. */
  watched: boolean;
  readonly hosts: readonly Id<'nod'>[];
  holders: Holder[];
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

let limits = 1;
async function limitTo(vcpu: number): Promise<void> {
  limits += 1;
  s.caller.scopes = s.caller.scopes.map((scope) =>
    scope.id === defaultProjectId
      ? { ...scope, version: limits, limits: [{ dimension: 'inventory.vcpu', limit: vcpu }] }
      : scope,
  );
  await s.inventory.projection.apply(s.caller, {});
}

/** Fresh hosts under one limit of the project; whatever earlier runs held is given back. */
async function begin(): Promise<World> {
  await limitTo(limit);
  const hosts = await Promise.all(caps.map((total) => s.host([{ class: 'vcpu', total }])));
  return { hosts, holders: [], watched: false };
}

const itemsOf = (world: World, wanted: readonly number[]): Item[] =>
  wanted.flatMap((amount, host) =>
    amount === 0 ? [] : [{ what: 'capacity' as const, nodeId: world.hosts[host]!, class: 'vcpu', amount }],
  );

/** What the model says is in the way of holding `next` where `own` was held before. */
function inTheWay(world: World, next: readonly number[], own: readonly number[] = []): string[] {
  const held = (host: number) => sum(world.holders.map((holder) => holder.amounts[host] ?? 0)) - (own[host] ?? 0);
  const full = caps.some((cap, host) => held(host) + (next[host] ?? 0) > cap);
  const over = sum(next) > sum(own) && held(0) + held(1) + sum(next) > limit;
  return [...(full ? ['capacity'] : []), ...(over ? ['quota'] : [])];
}
const verdicts: Record<string, string> = { capacity: 'capacity-exhausted', quota: 'quota-exceeded' };

/** Trying changes nothing and answers as the real thing; a sole blocker is named as the model sees it, and is what it is called. */
async function tried(
  world: World,
  blockers: readonly string[],
  ask: (caller: Caller) => Promise<unknown>,
): Promise<string> {
  const verdict = verdicts[blockers[0] ?? ''] ?? 'ok';
  const dry = () => ask({ ...s.caller, dryRun: true });
  const before = world.watched ? undefined : await s.everyRow();
  const answer = await dry();
  if (before !== undefined) expect(await s.everyRow()).toEqual(before);
  world.watched ||= verdict !== 'ok';
  expect(codeOf(answer)).toBe(verdict);
  if (!isProblem(answer)) return verdict;
  const { soleBlockers, unblock } = answer.facts['explanation'] as Explanation;
  expect(soleBlockers).toEqual(blockers.length === 1 ? blockers : []);
  if (soleBlockers[0] === 'capacity') {
    const offers = (by: number) =>
      Promise.all(
        world.hosts.map((nodeId, host) =>
          s.inventory.capacity.amend(s.caller, { nodeId, class: 'vcpu', patch: { total: caps[host]! + by } }),
        ),
      );
    await offers(10);
    expect(codeOf(await dry())).toBe('ok');
    await offers(0);
  }
  if (soleBlockers[0] === 'quota') {
    await limitTo(limit + (unblock.find((hint) => hint.type === 'quota')?.by ?? 0));
    expect(codeOf(await dry())).toBe('ok');
    await limitTo(limit);
  }
  return verdict;
}

async function play(world: World, each: Step): Promise<void> {
  if (each.op === 'sweep') return void (await sweepAllocations(s.deps));
  if (each.op === 'take') {
    // A quota counts what nobody has swept yet; the model does not.
    await sweepAllocations(s.deps);
    const lease = each.leased ? { ttlSeconds: 3_000, maxTtlSeconds: 9_000 } : {};
    const ask = (caller: Caller) => s.ask(itemsOf(world, each.amounts), lease, caller);
    const verdict = await tried(world, inTheWay(world, each.amounts), ask);
    const got = await ask(s.caller);
    expect(codeOf(got)).toBe(verdict);
    if (codeOf(got) !== 'ok') return;
    const { id, version } = got as Allocation;
    world.holders.push({ id: id, version, amounts: each.amounts, leased: each.leased });
    return;
  }
  const holder = world.holders[each.at % Math.max(1, world.holders.length)];
  if (holder === undefined) return;
  const { id, version } = holder;
  const { allocation } = s.inventory;
  switch (each.op) {
    case 'resize': {
      await sweepAllocations(s.deps);
      const ask = (caller: Caller) =>
        orProblem(allocation.replace(caller, { id, version, items: itemsOf(world, each.amounts) }));
      const verdict = await tried(world, inTheWay(world, each.amounts, holder.amounts), ask);
      expect(codeOf(await ask(s.caller))).toBe(verdict);
      if (verdict !== 'ok') return;
      holder.version += 1;
      holder.amounts = each.amounts;
      return;
    }
    case 'release':
      await allocation.release(s.caller, { id, version });
      world.holders = world.holders.filter((other) => other !== holder);
      return;
    case 'renew': {
      const got = await orProblem(allocation.renew(s.caller, { id, version }));
      expect(codeOf(got)).toBe(holder.leased ? 'ok' : 'state-conflict');
      if (holder.leased) holder.version += 1;
      return;
    }
    case 'expire':
      if (!holder.leased) return;
      await runOut(id);
      world.holders = world.holders.filter((other) => other !== holder);
      // One that has run out is nobody's to change, swept or not.
      expect(
        codeOf(await orProblem(allocation.replace(s.caller, { id, version, items: itemsOf(world, [1, 0]) }))),
      ).toBe('lease-expired');
  }
}

/** As if its time had passed: rows alone, behind the back of the guards. */
async function runOut(id: Id<'alc'>): Promise<void> {
  const uuid = decodeId('alc', id);
  await s.admin.unsafe(`do $$ begin
    perform set_config('session_replication_role', 'replica', true);
    update inventory.allocation set starts_at = now() - interval '2 hours', expires_at = now() - interval '1 second' where id = '${uuid}';
    update inventory.allocation_item set during = tstzrange(now() - interval '2 hours', now() - interval '1 second')
      where allocation_id = '${uuid}' and ended_at is null;
  end $$`);
}

/** Counter = ledger on each host, and what the project is counted is what all of its items are. */
async function agree(world: World): Promise<void> {
  const ids = world.hosts.map((host) => decodeId('nod', host));
  const [row] = await s.admin.unsafe(
    `select (select sum(used)::int from inventory.capacity where node_id = any($1::uuid[])) as counter,
       (select coalesce(sum(amount), 0)::int from inventory.allocation_item where node_id = any($1::uuid[]) and ended_at is null) as ledger,
       (select used::int from inventory.quota_use where scope_id = $2 and dimension = 'inventory.vcpu') as quota,
       (select coalesce(sum(amount), 0)::int from inventory.allocation_item where dimension = 'inventory.vcpu' and ended_at is null) as everything`,
    [ids, decodeId('prj', defaultProjectId)],
  );
  expect(row?.['counter']).toBe(row?.['ledger']);
  expect(row?.['quota'] ?? 0).toBe(row?.['everything']);
}
