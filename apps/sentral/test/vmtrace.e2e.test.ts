import { decodeId } from '@sentral/contracts/ids';
import { defaultEnvironmentId, defaultTenantId } from '@sentral/contracts/tenancy';
import {
  batchesOf,
  leavingTogether,
  machinesOf,
  peakOf,
  sizesOf,
  type Machine,
  type Sizes,
} from '@sentral/facts/vmtrace';
import { openDatabase } from '@sentral/kernel/database';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { made } from './cast.js';
import { startServer, type Answer, type Json, type TestServer } from './start-server.js';

// Requests for machines as a public cloud had them, by 32 clients. Every sixth batch of a quarter of an hour in every run, against half
// of what they would have at once; the two hours against both pools of the facts by command, see packages/inventory/README.md.
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] !== undefined;
const shares = whole ? [0.5, 0.8] : [0.5];
const clients = 32;
const trace = readFileSync(
  path.resolve(import.meta.dirname, '../../../fixtures/vmtrace/azure-v1-dev-first-2h.csv'),
  'utf8',
);
const machines = whole ? machinesOf(trace, 7_200) : machinesOf(trace, 900).filter(({ batch }) => batch % 6 === 0);
const peak = peakOf(machines);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const units = ['vcpu', 'memoryMib'] as const;
type Amounts = Readonly<Record<(typeof units)[number], number>>;
const amountsOf = ({ cores, memMiB }: Sizes): Amounts => ({ vcpu: cores, memoryMib: memMiB });

/** A pool of its own, and whether it ever shows more used than there is. */
async function pooled(pool: Amounts) {
  const { id } = await made(
    server.ask('/v1/nodes', { body: { kind: 'cluster', name: `azure-${Math.random()}`, tenantId: defaultTenantId } }),
  );
  for (const of of units)
    await made(server.ask(`/v1/nodes/${id}/capacities`, { body: { class: of, total: pool[of] } }));
  const used = async (): Promise<Amounts> => {
    const { items } = (await server.ask(`/v1/nodes/${id}/capacities`)).body;
    return Object.fromEntries(items.map((each: Json) => [each.class, each.used])) as Amounts;
  };
  const items = (of: Amounts) => units.map((unit) => ({ what: 'capacity', nodeId: id, class: unit, amount: of[unit] }));
  return { id: id as string, used, items };
}

/** One change of the pool, or one that was refused, with when it was on its way. */
interface Told {
  readonly asked: Amounts;
  readonly sent: number;
  readonly answered: number;
  readonly answer: Answer<Json>;
  /** What it took: an allocation for all machines of it that leave together. */
  readonly ids: readonly string[];
}

/** What one client asks in one go: machines that come as one, all or none. */
type Mode = 'single' | 'atomic batch';
const groupsOf = (mode: Mode): readonly (readonly Machine[])[] =>
  mode === 'single' ? machines.map((machine) => [machine]) : batchesOf(machines);

/** Those of a group that leave together, by their place among its parts. */
interface Leaving {
  readonly at: number;
  readonly group: readonly Machine[];
  readonly part: number;
}
/** So many parts are given back in one go. */
const leavingMax = 8;

/** What happens, in the order of the trace: who leaves at a second leaves before who arrives at it. */
function eventsOf(
  groups: readonly (readonly Machine[])[],
  does: { take: (group: readonly Machine[]) => Promise<void>; give: (leaving: readonly Leaving[]) => Promise<void> },
): (() => Promise<void>)[] {
  const leaving = groups
    .flatMap((group) => leavingTogether(group).map(([first], part): Leaving => ({ at: first!.departure, group, part })))
    .filter(({ at }) => at !== Infinity)
    .toSorted((a, b) => a.at - b.at);
  const events = groups.map((group) => ({ at: group[0]!.arrival, leaves: false, does: () => does.take(group) }));
  for (let from = 0; from < leaving.length;) {
    const { at } = leaving[from]!;
    const some = leaving.slice(from, from + leavingMax).filter((each) => each.at === at);
    events.push({ at, leaves: true, does: () => does.give(some) });
    from += some.length;
  }
  return events.toSorted((a, b) => a.at - b.at || Number(b.leaves) - Number(a.leaves)).map((event) => event.does);
}

async function replay(mode: Mode, pool: Awaited<ReturnType<typeof pooled>>) {
  const key = () => ({ 'idempotency-key': `vmtrace-${Math.random()}` });
  const asCreate = (living: readonly Machine[]) => ({
    environmentId: defaultEnvironmentId,
    consumer: { service: 'azure', kind: pool.id, id: `${living[0]?.id}` },
    items: pool.items(amountsOf(sizesOf(living))),
  });
  const asking = async (group: readonly Machine[]): Promise<Told> => {
    const sent = performance.now();
    const operations = leavingTogether(group).map((living) => ({ op: 'create', ...asCreate(living) }));
    const { environmentId: _, op: __, ...alone } = operations[0] as Json;
    const answer =
      mode === 'single'
        ? await server.ask(`/v1/environments/${defaultEnvironmentId}/allocations`, { body: alone, headers: key() })
        : await server.ask('/v1/allocations/batch', { body: { operations }, headers: key() });
    const { body, status } = answer;
    const ids =
      status >= 300 ? [] : ((body.items[0]?.type === 'allocation' ? body.items : [body]) as Json[]).map(({ id }) => id);
    return { asked: amountsOf(sizesOf(group)), sent, answered: performance.now(), answer, ids };
  };
  const giving = async (ids: readonly string[]): Promise<Told> => {
    const sent = performance.now();
    const operations = ids.map((id) => ({ op: 'release', id }));
    const answer = await server.ask('/v1/allocations/batch', { body: { operations }, headers: key() });
    return { asked: { vcpu: 0, memoryMib: 0 }, sent, answered: performance.now(), answer, ids };
  };

  const taking = new Map<readonly Machine[], Promise<Told>>();
  const gave: Told[] = [];
  const take = async (group: readonly Machine[]): Promise<void> => {
    const outcome = asking(group);
    taking.set(group, outcome);
    await outcome;
  };
  const give = async (leaving: readonly Leaving[]): Promise<void> => {
    const told = await Promise.all(leaving.map(async ({ group, part }) => (await taking.get(group))?.ids[part] ?? []));
    const ids = told.flat();
    if (ids.length > 0) gave.push(await giving(ids));
  };
  const events = eventsOf(groupsOf(mode), { take, give });
  let done = false;
  const over: Amounts[] = [];
  const client = async () => {
    for (let event = events.shift(); event !== undefined; event = events.shift()) await event();
  };
  const watch = async () => {
    for (; !done; await new Promise((resolve) => setTimeout(resolve, 100))) over.push(await pool.used());
  };
  const watching = watch();
  await Promise.all(Array.from({ length: clients }, client));
  done = true;
  await watching;
  return { took: await Promise.all(taking.values()), gave, seen: over };
}

/**
 * What was used after each change, in the order in which the changes had the pool: a feed row gets its number behind the lock of the
 * counters, which is held until the commit.
 */
async function ledgerOf(nodeId: string): Promise<{ after: readonly Amounts[]; place: ReadonlyMap<string, number> }> {
  const db = openDatabase({ url: server.adminUrl, applicationName: 'vmtrace', poolSize: 1 });
  const rows = await db.unsafe(
    `select f.type, f.resource_id::text as id, i.vcpu, i.mem from inventory.feed f join (
       select allocation_id, sum(amount) filter (where class = 'vcpu')::float8 as vcpu, sum(amount) filter (where class = 'memoryMib')::float8 as mem
       from inventory.allocation_item where node_id = $1::uuid group by 1) i on i.allocation_id = f.resource_id
     where f.type in ('inventory.allocation.confirmed', 'inventory.allocation.released') order by f.seq`,
    [decodeId('nod', nodeId)],
  );
  await db.close();
  const after: Amounts[] = [{ vcpu: 0, memoryMib: 0 }];
  const place = new Map<string, number>();
  for (const { type, id, vcpu, mem } of rows as unknown as Json[]) {
    const sign = type === 'inventory.allocation.confirmed' ? 1 : -1;
    const { vcpu: v, memoryMib: m } = after.at(-1)!;
    after.push({ vcpu: v + sign * vcpu, memoryMib: m + sign * mem });
    place.set(`${sign > 0 ? 'took' : 'gave'} ${id}`, after.length - 1);
  }
  return { after, place };
}

/**
 * Refusals that are not true of any state that the pool had while the request was on its way: what had been answered before it was
 * sent had happened, what was sent after its answer had not. True is: the whole did not fit, and what was told to be left was.
 */
function baseless(
  refused: readonly Told[],
  { after, changes }: { after: readonly Amounts[]; changes: readonly (Told & { places: readonly number[] })[] },
  pool: Amounts,
): readonly Told[] {
  return refused.filter(({ sent, answered, asked, answer: { body } }) => {
    const unit = body.unit as keyof Amounts;
    let from = 0;
    let to = after.length - 1;
    for (const change of changes) {
      if (change.answered <= sent) from = Math.max(from, ...change.places);
      if (change.sent >= answered) to = Math.min(to, ...change.places.map((place) => place - 1));
    }
    return !after.slice(from, to + 1).some((used) => {
      // What earlier operations of the same batch had taken when this one found no room.
      const before = pool[unit] - used[unit] - body.available;
      return used[unit] + asked[unit] > pool[unit] && before >= 0 && before <= asked[unit] - body.requested;
    });
  });
}

test.each(shares.flatMap((share) => (['single', 'atomic batch'] as const).map((mode) => ({ share, mode }))))(
  '32 clients against $share of the peak, $mode: the pool is never exceeded, and each refusal is true when it is told',
  async ({ share, mode }) => {
    const pool = amountsOf({ cores: Math.floor(peak.cores * share), memMiB: Math.floor(peak.memMiB * share) });
    const it = await pooled(pool);
    const began = performance.now();
    const { took, gave, seen } = await replay(mode, it);
    const seconds = (performance.now() - began) / 1_000;
    const granted = took.filter(({ ids }) => ids.length > 0);
    const refused = took.filter(({ ids }) => ids.length === 0);
    expect([...new Set(refused.map(({ answer }) => answer.body.code))]).toEqual(['capacity-exhausted']);
    expect([...new Set(gave.map(({ answer }) => answer.status))]).toEqual([200]);
    expect(refused.every(({ answer: { body } }) => body.requested > body.available)).toBe(true);

    const { after, place } = await ledgerOf(it.id);
    const placed = (what: 'took' | 'gave') => (each: Told) => ({
      ...each,
      places: each.ids.map((id) => place.get(`${what} ${decodeId('alc', id)}`) ?? Number.NaN),
    });
    const changes = [...granted.map(placed('took')), ...gave.map(placed('gave'))];
    expect(changes.flatMap(({ places }) => places).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: after.length - 1 }, (_, at) => at + 1),
    );
    const most = (states: readonly Amounts[]) =>
      amountsOf({
        cores: Math.max(...states.map(({ vcpu }) => vcpu)),
        memMiB: Math.max(...states.map(({ memoryMib }) => memoryMib)),
      });
    for (const states of [after, seen]) expect(units.filter((unit) => most(states)[unit] > pool[unit])).toEqual([]);
    expect(baseless(refused, { after, changes }, pool)).toEqual([]);
    expect(await it.used()).toEqual(after.at(-1));
    process.stdout.write(
      `vmtrace ${mode} ${share}: ${granted.length} granted, ${refused.length} refused, ${gave.length} given back, most ${JSON.stringify(most(after))} of ${JSON.stringify(pool)}, ${seconds.toFixed(1)} s\n`,
    );
  },
  900_000,
);
