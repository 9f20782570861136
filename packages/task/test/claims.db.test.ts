import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callerOf, eventually, inARow, openStage, step, type Stage } from './shell/stage.js';
import { startService } from './shell/service.js';

let stage: Stage;
let nett: ReturnType<typeof startService>;
const acme = callerOf(1);
const operator = { ...callerOf(9), readScope: { all: true as const } };
const done = { kind: 'succeeded', data: { output: {} } } as const;
const no = { class: 'permanent', code: 'no_port', message: '', effects: 'unknown' } as const;
/** What the service says to who takes something back. */
let back: 'done' | 'later' | 'never' = 'done';

beforeAll(async () => {
  stage = await openStage();
  stage.start();
  nett = startService(stage.bus, 'nett', {
    run: ({ action }) => {
      if (action.endsWith('.refuse')) return { kind: 'failed', data: no };
      return action.endsWith('.wait') ? 'hold' : done;
    },
    takeBack: () => {
      if (back === 'done') return { kind: 'undone', data: { found: true } };
      return { kind: 'undo_failed', data: back === 'never' ? no : { ...no, class: 'transient' } };
    },
  });
});
afterAll(async () => {
  await nett.stop();
  await stage.close();
});

let count = 0;
const thing = () => `net_claimed_${(count += 1)}`;
const steps = inARow(step('first'), step('wait'));
const make = (resource: string, of: typeof steps = steps, caller: Caller = acme) =>
  stage.make(caller, { steps: of, resource });
/** What its creation is refused with; undefined where it is begun, and then it is the next that has it. */
const toldTo = async (caller: Caller, resource: string): Promise<unknown> => {
  try {
    await make(resource, [step('soon')], caller);
    return undefined;
  } catch (error) {
    const { code, facts } = error as { code: string; facts: object };
    return code === 'operation-in-progress' ? facts : error;
  }
};
const taken = (resource: string) => ({ resource, retryAfterSeconds: 2 });
const waiting = (taskId: Id<'tsk'>) =>
  eventually(async () => {
    const { items } = await stage.task.step.list(acme, { taskId });
    return items.find(({ action, state }) => action.endsWith('.wait') && state === 'accepted')?.id;
  }, 'a step to wait');
const claimants = async (resource: string, caller: Caller = acme) =>
  (await stage.task.task.claimants(caller, { resources: [resource] })).items.map(({ taskId }) => taskId);

test('of twenty that want to change one thing at once, through two processes, one does and the others are told which', async () => {
  const resource = thing();
  const tasks = [stage.task, stage.process().task];
  const wish = { kind: 'test.free', scopeId: acme.scopes.at(-1)!.id, input: { steps, resource } };
  const asked = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => tasks[n % 2]!.task.create(acme, wish)));
  const begun = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value.id] : []));
  const told = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason.facts.taskId] : []));
  expect([begun.length, told]).toEqual([1, Array.from({ length: 19 }, () => begun[0])]);
  expect([await claimants(resource), await claimants(resource, callerOf(2))]).toEqual([begun, []]);
  const op = await waiting(begun[0]!);
  await stage.task.task.cancel(acme, { id: begun[0]! });
  await nett.end(op, done);
  await stage.until(acme, begun[0]!, 'cancelled');
});

test('what a task changes is its own while it runs, is held, unwinds and is stuck, until it is abandoned', async () => {
  const resource = thing();
  const { id } = await make(resource);
  const own = async (state: string) =>
    expect([
      state,
      await toldTo(acme, resource),
      await toldTo(callerOf(2), resource),
      await claimants(resource),
    ]).toEqual([state, { ...taken(resource), taskId: id }, taken(resource), [id]]);
  await own('running');
  const op = await waiting(id);
  await stage.task.task.hold(acme, { id });
  await own('held');
  await stage.task.task.resume(acme, { id });
  back = 'later';
  await stage.task.task.cancel(acme, { id });
  await nett.end(op, done);
  await stage.until(acme, id, 'unwinding');
  await own('unwinding');
  back = 'never';
  await stage.until(acme, id, 'stuck');
  await own('stuck');
  back = 'done';
  await stage.task.task.abandon(operator, { id, note: 'as it is' });
  expect([await claimants(resource), await toldTo(acme, resource)]).toEqual([[], undefined]);
});

test('a task that waits for its turn has it too, and so no other comes before it', async () => {
  const other = callerOf(3);
  const resource = thing();
  const first = await make(thing(), steps, other);
  await stage.db.app.unsafe('update lane set max_running = 1');
  const { id, state } = await make(resource, steps, other);
  expect([state, await toldTo(other, resource), await toldTo(acme, resource)]).toEqual([
    'queued',
    { ...taken(resource), taskId: id },
    taken(resource),
  ]);
  expect(await stage.task.task.cancel(other, { id })).toMatchObject({ state: 'cancelled' });
  expect(await claimants(resource, other)).toEqual([]);
  await stage.db.app.unsafe('update lane set max_running = 20');
  await stage.task.task.cancel(other, { id: first.id });
});

test.each([
  ['succeeded', [step('a')]],
  ['failed', inARow(step('b'), step('refuse'))],
])('what a task that has %s changed is free for the next', async (state, of) => {
  const resource = thing();
  const { id } = await make(resource, of);
  await stage.until(acme, id, state);
  expect([await claimants(resource), await toldTo(acme, resource)]).toEqual([[], undefined]);
});

test('who only watches a thing keeps nobody from it, and is not told as who changes it', async () => {
  const resource = thing();
  const watchers = [1, 2].map(() => stage.make(acme, { steps, watches: resource }));
  const watching = (await Promise.all(watchers)).map(({ id }) => id);
  expect(await claimants(resource)).toEqual([]);
  const { id } = await make(resource);
  expect([await claimants(resource), await toldTo(acme, resource)]).toEqual([[id], { ...taken(resource), taskId: id }]);
  const late = await stage.make(acme, { steps, watches: resource });
  for (const each of [...watching, id, late.id]) await stage.task.task.cancel(acme, { id: each });
});
