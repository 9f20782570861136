import { readFile } from 'node:fs/promises';
import type { Id } from '@sentral/contracts/ids';
import { batchesOf, machinesOf, sizesOf, type Machine } from '@sentral/facts/vmtrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, stand, type Allocation, type Item, type Stand } from './stand.js';

const fixtures = new URL('../../../fixtures/', import.meta.url);
/** A quarter of an hour in every run; the two hours by command, see README. The facts of each are computed by the same checker. */
const whole = process.env['SENTRAL_TEST_WHOLE_TRACE'] !== undefined;
const slice = whole ? { seconds: 7_200, facts: '2h' } : { seconds: 900, facts: '15min' };

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
  machines = machinesOf(await readFile(new URL('vmtrace/azure-v1-dev-first-2h.csv', fixtures), 'utf8'), slice.seconds);
  facts = JSON.parse(
    await readFile(new URL(`expected/vmtrace-azure-v1-dev-${slice.facts}.json`, fixtures), 'utf8'),
  ) as Facts;
});
afterAll(async () => {
  expect(await s.broken()).toEqual([]);
  await s.close();
});

const itemsOf = (nodeId: Id<'nod'>, all: readonly Machine[]): Item[] => {
  const { cores, memMiB } = sizesOf(all);
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

/** So many may wait for each other; more than twice as many are told to come again. */
const togetherMax = 256;

/** Groups that arrive at the same second, in the order in which they do. */
function bySecond(groups: readonly (readonly Machine[])[]): readonly (readonly (readonly Machine[])[])[] {
  const seconds = [...new Set(groups.map((members) => members[0]?.arrival))];
  return seconds.flatMap((second) => {
    const all = groups.filter((members) => members[0]?.arrival === second);
    return Array.from({ length: Math.ceil(all.length / togetherMax) }, (_, at) =>
      all.slice(at * togetherMax, (at + 1) * togetherMax),
    );
  });
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
  for (const arriving of bySecond(groups)) {
    await leave(arriving[0]?.[0]?.arrival ?? 0);
    // Handed over one after the other without waiting for an answer: they are judged in the order in which they came.
    const outcomes = await Promise.all(arriving.map((members) => s.ask(itemsOf(nodeId, members))));
    for (const [at, got] of outcomes.entries()) {
      const members = arriving[at] ?? [];
      if (codeOf(got) !== 'ok') {
        expect(codeOf(got)).toBe('capacity-exhausted');
        continue;
      }
      granted.push(...members);
      const { id, version } = got as Allocation;
      living.push({ id, version, members });
      const now = sizesOf(living.flatMap((holder) => holder.members));
      peak.cores = Math.max(peak.cores, now.cores);
      peak.memMiB = Math.max(peak.memMiB, now.memMiB);
    }
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
    expect(want).toMatchObject(await replay(batchesOf(machines), want.pool));
  },
  900_000,
);
