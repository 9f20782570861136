import { encodeId } from '@sentral/contracts/ids';
import type { BusMessage } from '@sentral/kernel/bus/port';
import { newId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publishRecords } from '../src/publication/publish.js';
import { appendBatch } from '../src/sequence/append.js';
import { someFact, somePlace, type Place } from './some-feed.js';

let place: Place;
const tenants = [encodeId('tnt', newId()), encodeId('tnt', newId())];
let pos = 0;

beforeAll(async () => {
  place = await somePlace();
});
afterAll(() => place.end());

async function append(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, at) => someFact(pos + at + 1, { tenantId: tenants[at % 2]! }));
  await appendBatch(place.deps, await place.lease(), { context: 'inventory', afterPos: pos, items });
  pos += count;
}

interface Told {
  readonly id: string;
  readonly log: string;
  readonly seq: number;
}
const toldBy = (messages: readonly BusMessage[]): readonly Told[] =>
  messages.map(({ id, data }) => ({ id, ...(JSON.parse(data) as { data: Omit<Told, 'id'> }).data }));
const seqsOf = (told: readonly Told[], log: string) => told.filter((each) => each.log === log).map(({ seq }) => seq);

test('a bus that fails in the middle and a process that dies before it has noted lose nothing, and repeat under the same ids', async () => {
  await append(450);
  const heard: BusMessage[] = [];
  let calls = 0;
  const failing = publishRecords(place.deps, {
    publish: async (messages) => {
      calls += 1;
      // Half of it is stored, and nobody is told.
      heard.push(...messages.slice(0, calls === 2 ? 40 : messages.length));
      if (calls === 2) throw new Error('the bus is away');
      return [];
    },
  });
  await expect.poll(() => new Set(heard.map(({ id }) => id)).size, { timeout: 20_000 }).toBe(450);
  await failing.stop();
  // The place that was noted is lost, as if the process had died before it: what it has told comes again.
  await place.admin.unsafe('update audit.publication set next_seq = next_seq - 30');
  await append(50);
  const again: BusMessage[] = [];
  const next = publishRecords(place.deps, { publish: async (messages) => (again.push(...messages), []) });
  await expect.poll(() => again.length, { timeout: 20_000 }).toBe(50 + 60);
  await next.stop();
  const all = toldBy([...heard, ...again]);
  expect(new Set(all.map(({ id }) => id)).size).toBe(500);
  for (const log of new Set(all.map((each) => each.log))) {
    const firsts = [...new Set(seqsOf(all, log))];
    expect(firsts).toEqual(Array.from({ length: 250 }, (_, at) => at));
    // Each told in order, within what one process has told.
    expect(seqsOf(toldBy(again), log)).toEqual(Array.from({ length: 55 }, (_, at) => 195 + at));
  }
});
