import { readFile } from 'node:fs/promises';
import type { Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, stand, type Allocation, type Item, type Stand } from './stand.js';

const fixtures = new URL('../../../fixtures/', import.meta.url);

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
  facts = JSON.parse(await readFile(new URL('expected/vmtrace-azure-v1-dev-2h.json', fixtures), 'utf8')) as Facts;
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

test('two hours of requests for machines, one by one: exactly those are granted that fit when they come', async () => {
  const want = facts.admission[0]!.perRequest;
  expect(want).toMatchObject(
    await replay(
      machines.map((each) => [each]),
      want.pool,
    ),
  );
}, 900_000);

test('the same, batch by batch, all or nothing: a batch shrinks as its machines leave', async () => {
  const want = facts.admission[0]!.perBatchAtomic;
  const batches = [...new Set(machines.map((each) => each.batch))].map((batch) =>
    machines.filter((each) => each.batch === batch),
  );
  expect(want).toMatchObject(await replay(batches, want.pool));
}, 900_000);
