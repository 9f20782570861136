import { readFile } from 'node:fs/promises';
import type { Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, stand, type Allocation, type Item, type Stand } from './stand.js';

const fixtures = new URL('../../../fixtures/', import.meta.url);
/** A quarter of an hour in every run; the two hours by command, see README. The facts of each are computed by the same checker. */
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] !== undefined;
const slice = whole ? { seconds: 7_200, facts: '2h' } : { seconds: 900, facts: '15min' };

interface Machine {
  readonly id: number;
  readonly batch: number;
  readonly arrival: number;
  /** Infinity: it never leaves. */
  readonly departure: number;
  readonly cores: number;
  readonly memMiB: number;
}
interface Facts {
  readonly admission: readonly { readonly perRequest: Admission; readonly perBatchAtomic: Admission }[];
}
interface Admission {
  readonly granted: number;
  readonly refused: number;
  readonly grantedIdsSum: number;
  readonly pool: { readonly cores: number; readonly memMiB: number };
  readonly peakUsed: { readonly cores: number; readonly memMiB: number };
  readonly usedAfterLastDeparture: { readonly cores: number; readonly memMiB: number };
}

let s: Stand;
let machines: readonly Machine[];
let facts: Facts;
beforeAll(async () => {
  s = await stand(4);
  const text = await readFile(new URL('vmtrace/azure-v1-dev-first-2h.csv', fixtures), 'utf8');
  machines = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [id, batch, arrival, departure, , cores, memMiB] = line.split(',');
      const leaves = departure === '' ? Infinity : Number(departure);
      return {
        id: Number(id),
        batch: Number(batch),
        arrival: Number(arrival),
        departure: leaves,
        cores: Number(cores),
        memMiB: Number(memMiB),
      };
    });
  const from = machines[0]?.arrival ?? 0;
  machines = machines.filter(({ arrival }) => arrival < from + slice.seconds);
  facts = JSON.parse(
    await readFile(new URL(`expected/vmtrace-azure-v1-dev-${slice.facts}.json`, fixtures), 'utf8'),
  ) as Facts;
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const sizes = (all: readonly Machine[]) => ({
  cores: all.reduce((sum, each) => sum + each.cores, 0),
  memMiB: all.reduce((sum, each) => sum + each.memMiB, 0),
});
const itemsOf = (nodeId: Id<'nod'>, all: readonly Machine[]): Item[] => {
  const { cores, memMiB } = sizes(all);
  return [
    { what: 'capacity', nodeId, class: 'vcpu', amount: cores },
    { what: 'capacity', nodeId, class: 'memoryMib', amount: memMiB },
  ];
};

interface Holder {
  readonly id: Allocation['id'];
  version: number;
  members: readonly Machine[];
}

/** Groups arrive one after the other, all of a group or none; who leaves at a second leaves before who arrives at it. */
async function replay(groups: readonly (readonly Machine[])[], pool: Admission['pool']) {
  const nodeId = await s.host([
    { class: 'vcpu', total: pool.cores },
    { class: 'memoryMib', total: pool.memMiB },
  ]);
  const granted: Machine[] = [];
  let living: Holder[] = [];
  const peak = { cores: 0, memMiB: 0 };
  // A batch shrinks as its machines leave: the same holder, another set of things. Who leaves at one second leaves together.
  const shrink = async (holders: Holder[], second: number) => {
    const operations = holders.map((holder) => {
      holder.members = holder.members.filter((each) => each.departure > second);
      const { id, version, members } = holder;
      return { op: 'replace' as const, id, version, items: members.length === 0 ? [] : itemsOf(nodeId, members) };
    });
    const { items } = await s.inventory.allocation.batch(s.caller, { operations });
    for (const [at, holder] of holders.entries()) holder.version = items[at]?.version ?? 0;
  };
  const leave = async (until: number) => {
    const seconds = living.flatMap(({ members }) => members.map((each) => each.departure)).filter((at) => at <= until);
    for (const second of [...new Set(seconds)].toSorted((a, b) => a - b)) {
      const leaving = living.filter(({ members }) => members.some((each) => each.departure <= second));
      for (let from = 0; from < leaving.length; from += 100) await shrink(leaving.slice(from, from + 100), second);
    }
    living = living.filter(({ members }) => members.length > 0);
  };
  for (const members of groups) {
    await leave(members[0]?.arrival ?? 0);
    const got = await s.ask(itemsOf(nodeId, members));
    if (codeOf(got) !== 'ok') {
      expect(codeOf(got)).toBe('capacity-exhausted');
      continue;
    }
    granted.push(...members);
    const { id, version } = got as Allocation;
    living.push({ id, version, members });
    const now = sizes(living.flatMap((holder) => holder.members));
    peak.cores = Math.max(peak.cores, now.cores);
    peak.memMiB = Math.max(peak.memMiB, now.memMiB);
  }
  await leave(Number.MAX_SAFE_INTEGER);
  return {
    granted: granted.length,
    refused: machines.length - granted.length,
    grantedIdsSum: granted.reduce((sum, each) => sum + each.id, 0),
    peakUsed: peak,
    usedAfterLastDeparture: { cores: await s.used(nodeId), memMiB: await s.used(nodeId, 'memoryMib') },
  };
}

// Half of what all of them would need at once, and, with the whole trace, four fifths of it.
const pools = whole ? [0, 1] : [0];

test.each(pools)(
  'requests for machines, one by one: exactly those are granted that fit when they come (pool %i)',
  async (pool) => {
    const want = facts.admission[pool]!.perRequest;
    expect(want).toMatchObject(
      await replay(
        machines.map((each) => [each]),
        want.pool,
      ),
    );
  },
  900_000,
);

test.each(pools)(
  'the same, batch by batch, all or nothing: a batch shrinks as its machines leave (pool %i)',
  async (pool) => {
    const want = facts.admission[pool]!.perBatchAtomic;
    const batches = [...new Set(machines.map((each) => each.batch))].map((batch) =>
      machines.filter((each) => each.batch === batch),
    );
    expect(want).toMatchObject(await replay(batches, want.pool));
  },
  900_000,
);

/** One request of one client: when it was on its way, and what became of it. */
interface Told {
  readonly machine: Machine;
  readonly asked: number;
  readonly answered: number;
  readonly granted: Allocation | undefined;
  /** Until when it may still have counted. */
  released: number;
}

test.each(pools)(
  '32 clients at once: the pool is never exceeded, and nothing is refused that fits (pool %i)',
  async (at) => {
    const { pool } = facts.admission[at]!.perRequest;
    const nodeId = await s.host([
      { class: 'vcpu', total: pool.cores },
      { class: 'memoryMib', total: pool.memMiB },
    ]);
    const events = machines
      .flatMap((machine) => [
        { at: machine.arrival, leaves: false, machine },
        ...(machine.departure === Infinity ? [] : [{ at: machine.departure, leaves: true, machine }]),
      ])
      .toSorted((a, b) => a.at - b.at || Number(b.leaves) - Number(a.leaves) || a.machine.id - b.machine.id);
    const told = new Map<number, Promise<Told>>();
    const ask = async (machine: Machine): Promise<Told> => {
      const asked = performance.now();
      const got = await s.ask(itemsOf(nodeId, [machine]));
      expect(['ok', 'capacity-exhausted']).toContain(codeOf(got));
      const granted = codeOf(got) === 'ok' ? (got as Allocation) : undefined;
      return { machine, asked, answered: performance.now(), granted, released: Infinity };
    };
    const client = async () => {
      for (let event = events.shift(); event !== undefined; event = events.shift()) {
        const { machine, leaves } = event;
        if (!leaves) {
          const outcome = ask(machine);
          told.set(machine.id, outcome);
          await outcome;
          continue;
        }
        const outcome = await told.get(machine.id);
        if (outcome?.granted === undefined) continue;
        await s.inventory.allocation.release(s.caller, { id: outcome.granted.id });
        outcome.released = performance.now();
      }
    };
    let over = 0;
    let done = false;
    const watch = async () => {
      for (; !done; await new Promise((resolve) => setTimeout(resolve, 20)))
        if ((await s.used(nodeId)) > pool.cores || (await s.used(nodeId, 'memoryMib')) > pool.memMiB) over += 1;
    };
    const watching = watch();
    await Promise.all(Array.from({ length: 32 }, client));
    done = true;
    await watching;
    expect(over).toBe(0);

    const all = await Promise.all(told.values());
    expect(all).toHaveLength(machines.length);
    const granted = all.filter((each) => each.granted !== undefined);
    // What may have counted at an instant is everything asked for before it and not surely given back: if that and the refused one
    // fit together at every instant of its request, it was refused for nothing.
    const baseless = all.filter((refused) => {
      if (refused.granted !== undefined) return false;
      const beside = granted.filter((each) => each.asked < refused.answered && each.released > refused.asked);
      const instants = [refused.asked, ...beside.map((each) => Math.max(each.asked, refused.asked))];
      return instants.every((instant) => {
        const held = beside.filter((each) => each.asked <= instant && each.released >= instant);
        const { cores, memMiB } = sizes([refused.machine, ...held.map(({ machine }) => machine)]);
        return cores <= pool.cores && memMiB <= pool.memMiB;
      });
    });
    expect(baseless).toEqual([]);
    expect(granted.length).toBeLessThan(machines.length);
    const left = sizes(granted.filter(({ released }) => released === Infinity).map(({ machine }) => machine));
    expect({ cores: await s.used(nodeId), memMiB: await s.used(nodeId, 'memoryMib') }).toEqual(left);
  },
  900_000,
);
