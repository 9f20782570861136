import type { Caller } from '@sentral/contracts/contract';
import { decodeId, type Id } from '@sentral/contracts/ids';
import type { Explanation } from '@sentral/contracts/inventory/refusal';
import { isProblem } from '@sentral/contracts/problem';
import { defaultEnvironmentId, defaultProjectId } from '@sentral/contracts/tenancy';
import { newId } from '@sentral/kernel/id';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { beginFew } from '../src/allocation/begin.js';
import { sweepAllocations } from '../src/allocation/sweep.js';
import { codeOf, orProblem, stand, type Allocation, type Item, type Stand } from './stand.js';

let s: Stand;
beforeAll(async () => {
  s = await stand(4);
});
afterAll(() => s.close());

/** More than the few of every run of the suite. */
const runs = Number(process.env['SENTRAL_TEST_WINDOW_MODEL_RUNS'] ?? 5);
const caps = [6, 5] as const;
const limit = 14;
/** Nodes are cleaned so long after someone had them whole, in minutes. */
const cleaning = 10;

/** Minutes from now on; windows begin and end five minutes beside the tens at which time passes, so that a slow machine changes no verdict. */
interface Span {
  readonly from: number;
  readonly until: number;
}

/** A holder as the model has it: amounts by host, or hosts as wholes. A hold has no end that others can build on. */
interface Holder extends Span {
  readonly id: Id<'alc'>;
  readonly amounts: readonly number[];
  readonly wholes: readonly boolean[];
  readonly state: 'booked' | 'held' | 'active';
  readonly version: number;
}
type Things = Pick<Holder, 'amounts' | 'wholes'>;

interface World {
  readonly hosts: readonly Id<'nod'>[];
  /** When time began for this world, and how much of it has passed. */
  readonly epoch: number;
  holders: readonly Holder[];
  /** What was given back is cleaned so long, by host. */
  cleaned: readonly number[];
  watched: boolean;
}

const amounts = fc.tuple(fc.nat({ max: 4 }), fc.nat({ max: 3 })).filter(([a, b]) => a + b > 0);
const things = fc.oneof(
  { weight: 4, arbitrary: amounts.map((of): Things => ({ amounts: of, wholes: [false, false] })) },
  { weight: 1, arbitrary: fc.nat({ max: 1 }).map((at): Things => ({ amounts: [0, 0], wholes: [at === 0, at === 1] })) },
);
const tens = (max: number) => fc.nat({ max }).map((n) => n * 10 + 5);
const length = fc.option(
  fc.integer({ min: 1, max: 6 }).map((n) => n * 10),
  { nil: Infinity },
);
const at = fc.nat();
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('take' as const), things, from: fc.constant(0), length }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('take' as const), things, from: tens(8), length }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('hold' as const), things }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('resize' as const), at, things, reshape: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('reschedule' as const), at, from: tens(8), length }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('release' as const), at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('renew' as const), at }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('pass' as const), tens: fc.integer({ min: 1, max: 4 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

test('whatever is taken, booked, resized, moved in time, given back and left to begin or to run out: the outcome is the model’s, tried or real; a sole blocker is one; and ledger, counter and quota agree after each step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16 }), async (steps) => {
      const world = await begin();
      for (const each of steps) {
        await play(world, each);
        await agree(world);
      }
      expect(await s.broken()).toEqual([]);
      for (const { id } of world.holders) await s.inventory.allocation.release(s.caller, { id });
    }),
    { numRuns: runs, endOnFailure: true },
  );
}, 1_200_000);

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
const meet = (a: Span, b: Span) => a.from < b.until && b.from < a.until;
const cleanedAfter = ({ from, until }: Span): Span => ({ from, until: until + cleaning });

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

async function begin(): Promise<World> {
  await limitTo(limit);
  const hosts = await Promise.all(
    caps.map(async (total) => {
      const host = await s.host([{ class: 'vcpu', total }], 'server');
      await s.inventory.node.amend(s.caller, { id: host, patch: { cleaningSeconds: cleaning * 60 } });
      return host;
    }),
  );
  return { hosts, holders: [], cleaned: [0, 0], watched: false, epoch: Date.now() };
}

const itemsOf = ({ hosts }: World, { amounts: of, wholes }: Things): Item[] =>
  hosts.flatMap((nodeId, host): Item[] => [
    ...((of[host] ?? 0) > 0 ? [{ what: 'capacity' as const, nodeId, class: 'vcpu', amount: of[host]! }] : []),
    ...(wholes[host] === true ? [{ what: 'node' as const, nodeId }] : []),
  ]);

const instant = ({ epoch }: World, minutes: number) => new Date(epoch + minutes * 60_000).toISOString();
const windowOf = (world: World, { from, until }: Span) => ({
  ...(from === 0 ? {} : { startsAt: instant(world, from) }),
  ...(until === Infinity ? {} : { endsAt: instant(world, until) }),
});

/** What is in the way of having things over a span beside all others; `own` is what the same holder has before. */
function inTheWay(world: World, next: Things & Span, own?: Holder): { blockers: Set<string>; others: Holder[] } {
  const beside = world.holders.filter((other) => other !== own);
  const blockers = new Set<string>();
  const met = new Set<Holder>();
  const over = { from: next.from, until: next.until };
  for (const host of caps.keys()) {
    const amount = next.amounts[host] ?? 0;
    const whole = next.wholes[host] === true;
    if (amount === 0 && !whole) continue;
    const mine = whole ? cleanedAfter(over) : over;
    if (over.from < (world.cleaned[host] ?? 0)) blockers.add('cleaning');
    for (const other of beside) {
      const theirs = other.wholes[host] === true ? cleanedAfter(other) : other;
      if (!(other.wholes[host] === true || (whole && (other.amounts[host] ?? 0) > 0)) || !meet(mine, theirs)) continue;
      blockers.add('held');
      met.add(other);
    }
    const instants = [over.from, ...beside.map(({ from }) => from)].filter(
      (each) => each >= over.from && each < over.until,
    );
    const level = (each: number) =>
      sum(beside.filter(({ from, until }) => from <= each && each < until).map((other) => other.amounts[host] ?? 0));
    if (amount > 0 && Math.max(...instants.map(level)) + amount > (caps[host] ?? 0)) blockers.add('capacity');
  }
  const grows = sum(next.amounts) - sum(own?.amounts ?? []);
  const used = sum(world.holders.flatMap((other) => other.amounts));
  if (grows > 0 && used + grows > limit) blockers.add('quota');
  return { blockers, others: [...met] };
}

const codes: Record<string, string> = {
  capacity: 'capacity-exhausted',
  held: 'allocation-conflict',
  cleaning: 'allocation-conflict',
  quota: 'quota-exceeded',
};

/** The limits are counted last: whatever else is in the way is told before. */
function expected(blockers: ReadonlySet<string>): string[] {
  const first = [...blockers].filter((each) => each !== 'quota');
  return blockers.size === 0 ? ['ok'] : (first.length === 0 ? ['quota'] : first).map((each) => codes[each] ?? '');
}

type Ask = (caller: Caller) => Promise<unknown>;

/** Trying changes nothing and answers as the real thing; what alone is in the way is what it is called. */
async function tried(
  world: World,
  { blockers, others: met }: ReturnType<typeof inTheWay>,
  { ask, create }: { ask: Ask; create?: object },
) {
  const dry = () => ask({ ...s.caller, dryRun: true });
  const before = world.watched ? undefined : await s.everyRow();
  const answer = await dry();
  if (before !== undefined) expect(await s.everyRow()).toEqual(before);
  world.watched ||= blockers.size > 0;
  expect(expected(blockers)).toContain(codeOf(answer));
  const real = await ask(s.caller);
  expect(codeOf(real)).toBe(codeOf(answer));
  if (!isProblem(answer)) return real;
  const { soleBlockers } = answer.facts['explanation'] as Explanation;
  const filters = new Set([...blockers].map((each) => (each === 'cleaning' ? 'held' : each)));
  expect(soleBlockers).toEqual(filters.size === 1 ? [...filters] : []);
  if (soleBlockers[0] === 'capacity') {
    const offers = (by: number) =>
      Promise.all(
        world.hosts.map((nodeId, host) =>
          s.inventory.capacity.amend(s.caller, { nodeId, class: 'vcpu', patch: { total: caps[host]! + by } }),
        ),
      );
    await offers(20);
    expect(codeOf(await dry())).toBe('ok');
    await offers(0);
  }
  if (soleBlockers[0] === 'quota') {
    await limitTo(limit + 20);
    expect(codeOf(await dry())).toBe('ok');
    await limitTo(limit);
  }
  // Who has it gives it back, and it is had by the same transaction. What was used is cleaned first.
  const unused = met.every(({ state, wholes }) => state !== 'active' || !wholes.includes(true));
  if (soleBlockers[0] === 'held' && !blockers.has('cleaning') && unused && create !== undefined) {
    const operations = [...met.map(({ id }) => ({ op: 'release', id })), { op: 'create', ...create }] as never;
    expect(codeOf(await orProblem(s.inventory.allocation.batch({ ...s.caller, dryRun: true }, { operations })))).toBe(
      'ok',
    );
  }
  return answer;
}

const pick = (world: World, n: number): Holder | undefined => world.holders[n % Math.max(1, world.holders.length)];
const others = (world: World, holder: Holder) => world.holders.filter((other) => other !== holder);

/** Hosts that somebody used as a whole are cleaned from now on. */
const soil = (world: World, { state, wholes }: Pick<Holder, 'state' | 'wholes'>, until: number) =>
  world.cleaned.map((clean, host) => (state === 'active' && wholes[host] === true ? Math.max(clean, until) : clean));

async function play(world: World, each: Step): Promise<void> {
  const { allocation, node } = s.inventory;
  if (each.op === 'pass') return pass(world, each.tens * 10);
  if (each.op === 'take' || each.op === 'hold') {
    const held = each.op === 'hold';
    const span = held ? { from: 0, until: Infinity } : { from: each.from, until: each.from + each.length };
    const more = held ? { ttlSeconds: 3_000, maxTtlSeconds: 9_000 } : windowOf(world, span);
    const asked = { environmentId: defaultEnvironmentId, items: itemsOf(world, each.things), ...more };
    const ask = (caller: Caller) => s.ask(asked.items, more, caller);
    const create = { ...asked, consumer: { service: 'test', kind: 'thing', id: newId() } };
    const got = await tried(world, inTheWay(world, { ...each.things, ...span }), { ask, create });
    if (isProblem(got)) return;
    const { id, version } = got as Allocation;
    const state = held ? ('held' as const) : span.from === 0 ? ('active' as const) : ('booked' as const);
    world.holders = [...world.holders, { id, version, state, ...each.things, ...span }];
    return;
  }
  const holder = pick(world, each.at);
  if (holder === undefined) return;
  const { id, version, state } = holder;
  const become = (change: Partial<Holder>) => {
    world.holders = [...others(world, holder), { ...holder, version: version + 1, ...change }];
  };
  switch (each.op) {
    case 'resize': {
      const items = itemsOf(world, each.things);
      const [host] = world.hosts as [Id<'nod'>];
      const nodes = each.reshape ? [{ id: host, version: (await node.get(s.caller, { id: host })).version }] : [];
      const ask = (caller: Caller) =>
        orProblem<unknown>(
          each.reshape
            ? node.reshape(caller, { nodes, allocations: [{ id, version, items }] })
            : allocation.replace(caller, { id, version, items }),
        );
      // What it keeps it does not take anew.
      const same =
        sum(each.things.amounts) > 0 || each.things.wholes.every((whole, host) => whole === holder.wholes[host]);
      const blocked = inTheWay(world, { ...holder, ...each.things }, holder);
      if (each.reshape || !same || holder.wholes.includes(true))
        return resizeReal(world, holder, { next: each.things, ask, ...blocked });
      const got = await tried(world, blocked, { ask });
      if (!isProblem(got)) become(each.things);
      return;
    }
    case 'reschedule': {
      const from = state === 'booked' ? each.from : holder.from;
      const until = from + each.length;
      const span = { from, until };
      const to = { endsAt: until === Infinity ? null : instant(world, until) };
      const ask = (caller: Caller) =>
        orProblem(
          allocation.replace(caller, {
            id,
            version,
            ...(state === 'booked' ? { startsAt: instant(world, from) } : {}),
            ...to,
          }),
        );
      if (state === 'held') {
        expect(codeOf(await ask(s.caller))).toBe('state-conflict');
        return;
      }
      const { blockers } = inTheWay(world, { ...holder, ...span }, holder);
      blockers.delete('quota');
      const got = await ask(s.caller);
      expect(expected(blockers)).toContain(codeOf(got));
      if (!isProblem(got)) become(span);
      return;
    }
    case 'release':
      await allocation.release(s.caller, { id, version });
      world.holders = others(world, holder);
      world.cleaned = soil(world, holder, cleaning);
      return;
    case 'renew': {
      const got = await orProblem(allocation.renew(s.caller, { id, version }));
      expect(codeOf(got)).toBe(state === 'held' ? 'ok' : 'state-conflict');
      if (state === 'held') become({});
    }
  }
}

/** A whole that is given up for something else is cleaned, also where that is another part of it. */
async function resizeReal(
  world: World,
  holder: Holder,
  { next, blockers, ask }: { next: Things; blockers: Set<string>; ask: Ask },
): Promise<void> {
  const left = holder.wholes.map((whole, host) => whole && next.wholes[host] !== true);
  const soiled = soil({ ...world, cleaned: [0, 0] }, { ...holder, wholes: left }, cleaning);
  for (const host of caps.keys())
    if ((soiled[host] ?? 0) > holder.from && (next.amounts[host] ?? 0) > 0) blockers.add('cleaning');
  const got = await ask(s.caller);
  expect(expected(blockers)).toContain(codeOf(got));
  if (isProblem(got)) return;
  world.holders = [...others(world, holder), { ...holder, ...next, version: holder.version + 1 }];
  world.cleaned = world.cleaned.map((clean, host) => Math.max(clean, soiled[host] ?? 0));
}

/** Time passes for all at once; then what ran out ends, and what is due begins. */
async function pass(world: World, minutes: number): Promise<void> {
  const byTime = world.holders.toSorted((a, b) => a.from - b.from);
  await age(world, minutes);
  for (const { id, state } of byTime) if (state !== 'held') await s.pass(minutes, id);
  while ((await sweepAllocations(s.deps)) > 0);
  while ((await beginFew(s.deps)) > 0);
  const over = (holder: Holder) => holder.state !== 'held' && holder.until <= minutes;
  world.cleaned = world.cleaned.map((clean) => Math.max(0, clean - minutes));
  for (const holder of world.holders.filter(over))
    world.cleaned = soil(world, holder, holder.until + cleaning - minutes);
  world.holders = world.holders
    .filter((holder) => !over(holder))
    .map((holder) => {
      if (holder.state === 'held') return holder;
      const begins = holder.state === 'booked' && holder.from <= minutes;
      return {
        ...holder,
        ...(begins ? { state: 'active' as const, version: holder.version + 1 } : {}),
        from: Math.max(0, holder.from - minutes),
        until: holder.until - minutes,
      };
    });
}

/** What has ended is so much longer ago. */
async function age({ hosts }: World, minutes: number): Promise<void> {
  const ids = hosts.map((host) => `'${decodeId('nod', host)}'`).join(', ');
  const ago = `interval '${minutes} minutes'`;
  await s.admin.unsafe(`do $$ declare each record; begin
    perform set_config('session_replication_role', 'replica', true);
    for each in select id from inventory.allocation_item where node_id in (${ids}) and ended_at is not null and not isempty(during) order by lower(during) loop
      update inventory.allocation_item set during = tstzrange(lower(during) - ${ago}, upper(during) - ${ago}), ended_at = ended_at - ${ago} where id = each.id;
    end loop;
  end $$`);
}

/** Counter = ledger on each host, used and booked apart, and what the project is counted is what all of its items are. */
async function agree(world: World): Promise<void> {
  const ids = world.hosts.map((host) => decodeId('nod', host));
  const rows = await s.admin.unsafe(
    `select c.node_id, c.used::int, c.booked::int, coalesce(sum(i.amount) filter (where a.state <> 'booked'), 0)::int as begun,
       coalesce(sum(i.amount) filter (where a.state = 'booked'), 0)::int as ahead
     from inventory.capacity c left join inventory.allocation_item i on i.node_id = c.node_id and i.what = 'capacity' and i.ended_at is null
     left join inventory.allocation a on a.id = i.allocation_id where c.node_id = any($1::uuid[]) group by 1, 2, 3`,
    [ids],
  );
  for (const [host, id] of ids.entries()) {
    const row = rows.find((each) => each['node_id'] === id);
    const held = (booked: boolean) =>
      sum(world.holders.filter(({ state }) => (state === 'booked') === booked).map((each) => each.amounts[host] ?? 0));
    expect([row?.['used'], row?.['booked']]).toEqual([held(false), held(true)]);
    expect([row?.['begun'], row?.['ahead']]).toEqual([held(false), held(true)]);
  }
  const [quota] = await s.admin.unsafe(
    `select used::int from inventory.quota_use where scope_id = $1 and dimension = 'inventory.vcpu'`,
    [decodeId('prj', defaultProjectId)],
  );
  expect(quota?.['used'] ?? 0).toBe(sum(world.holders.flatMap((each) => each.amounts)));
}
