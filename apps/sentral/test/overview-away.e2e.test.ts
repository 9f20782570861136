import { startFaultProxy, type FaultProxy } from '@sentral/fault-proxy';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { as, grant, house, person, type House, type Person } from './cast.js';
import { eventually } from './patience.js';
import { startSplit, type Split } from './start-split.js';
import type { Json } from './start-server.js';
import { waitingTask } from './waiting-task.js';

let split: Split;
let wire: FaultProxy;
let place: House;
let auditor: Person;
beforeAll(async () => {
  split = await startSplit({
    async between(url) {
      wire = await startFaultProxy({ port: Number(new URL(url).port) });
      return `http://127.0.0.1:${wire.port}`;
    },
  });
  place = await house(split.facade, 'acme');
  auditor = await person(split.facade, 'auditor');
  await grant(split.facade, place, { to: auditor, role: 'auditor' });
  await eventually(async () => expect((await overview(auditor)).status).toBe(200));
});
afterAll(async () => {
  await wire?.stop();
  await split?.stop();
});
afterEach(() => wire.set({ accept: 'normal' }));

async function overview(who: { token: string } = place.owner) {
  const began = performance.now();
  const { status, body } = await split.facade.ask(`/v1/projects/${place.project}/overview`, as(who));
  const tookMs = performance.now() - began;
  const parts = Object.entries(body.parts ?? {}).map(([name, part]) => [name, (part as Json).status]);
  return { status, body, tookMs, parts: Object.fromEntries(parts) };
}

const whole = {
  scope: 'ok',
  environments: 'ok',
  allocations: 'ok',
  quota: 'ok',
  policy: 'ok',
  tasks: 'ok',
  changes: 'ok',
};
const withoutInventory = { ...whole, allocations: 'unavailable', quota: 'unavailable' };

test('with every context there, every part is', async () => {
  const answer = await overview();
  expect(answer.parts, JSON.stringify(answer.body)).toEqual(whole);
});

test('its tasks that live are counted and shown, and what changed in it is there, without a word of its neighbour', async () => {
  const neighbour = await house(split.facade, 'beside');
  await waitingTask(split.facade, neighbour);
  const [one, two] = [await waitingTask(split.facade, place), await waitingTask(split.facade, place)];
  const { tasks, changes } = await eventually(async () => {
    const { parts } = (await overview()).body;
    const told = parts.changes.data.items.map(({ resource }: Json) => resource.id);
    expect(told).toEqual(expect.arrayContaining([place.project, place.environment, one, two]));
    return parts;
  });
  expect(tasks.data.items.map(({ id }: Json) => id)).toEqual([two, one]);
  expect(tasks.data.states.reduce((sum: number, { count }: Json) => sum + count, 0)).toBe(2);
  expect(tasks.data.items[0].input).toBeUndefined();
  expect(changes.data.items.map(({ scope }: Json) => scope.projectId)).toEqual(
    changes.data.items.map(() => place.project),
  );
  expect(changes.data.items[0].change).toBeUndefined();
});

test('a context that takes calls and never answers costs its parts and no more than the budget, for many at once too', async () => {
  await wire.set({ accept: 'black-hole' });
  wire.cutAll('black-hole');
  const answers = await Promise.all(Array.from({ length: 20 }, () => overview()));
  for (const { status, body, tookMs, parts } of answers) {
    // Twenty at once may take a busy machine past the budget with what is near, too; with what is away they always do.
    expect([status, parts.allocations, parts.quota]).toEqual([200, 'unavailable', 'unavailable']);
    expect(body.parts.allocations).toEqual({ status: 'unavailable', reason: 'no answer within the budget' });
    // Three budgets: what twenty at once, a busy machine and the door before it may add.
    expect(tookMs).toBeLessThan(3 * body.budgetMs);
  }
});

test('what nobody waits for any more is not left open', async () => {
  wire.cutAll('rst');
  await wire.set({ latencyMs: 60_000 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => overview()));
  for (const { status, parts } of answers)
    expect([status, parts.allocations, parts.quota]).toEqual([200, 'unavailable', 'unavailable']);
  // Forty calls were made. What else the facade's process asks of inventory, audit's reading above all, is a few.
  await eventually(async () => expect(wire.open()).toBeLessThan(5));
  await wire.set({ latencyMs: 0 });
  wire.cutAll('rst');
});

test('a context that is not there is told at once, by the name of the problem and nothing of its address', async () => {
  await wire.set({ accept: 'refuse' });
  wire.cutAll('rst');
  const { status, body, tookMs, parts } = await overview();
  expect([status, parts]).toEqual([200, withoutInventory]);
  expect(body.parts.quota).toEqual({ status: 'unavailable', reason: 'dependency-unavailable' });
  expect(tookMs).toBeLessThan(3 * body.budgetMs);
  expect(JSON.stringify(body)).not.toContain(String(wire.port));
});

test('what the caller may not see is hidden by name, whether its context is there or not', async () => {
  const seen = {
    scope: 'ok',
    environments: 'ok',
    allocations: 'hidden',
    quota: 'hidden',
    policy: 'hidden',
    tasks: 'hidden',
    changes: 'ok',
  };
  expect((await overview(auditor)).parts).toEqual(seen);
  await wire.set({ accept: 'refuse' });
  wire.cutAll('rst');
  const away = await overview(auditor);
  expect(away.parts).toEqual(seen);
  expect(away.body.parts.allocations.reason).toBe('inventory.allocation.read is missing');
});

test('a context that is back is in the answers again', async () => {
  await eventually(async () => {
    const answer = await overview();
    expect(answer.parts, JSON.stringify(answer.body)).toEqual(whole);
  });
});

test('a context that was stopped takes its parts along, and the project can still be read', async () => {
  await split.inventory.stop();
  expect((await overview()).parts).toEqual(withoutInventory);
  expect((await split.facade.ask(`/v1/projects/${place.project}`, as(place.owner))).status).toBe(200);
});
