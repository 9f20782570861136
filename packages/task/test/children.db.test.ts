import { decodeId, encodeId } from '@sentral/contracts/ids';
import { namedId } from '@sentral/kernel/id';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { children, callerOf, eventually, inARow, openStage, quick, step, type Stage } from './shell/stage.js';
import { startService } from './shell/service.js';

let stage: Stage;
let nett: ReturnType<typeof startService>;
const acme = callerOf(1);
const operator = { ...callerOf(9), readScope: { all: true as const } };
const done = { kind: 'succeeded', data: { output: { made: true } } } as const;
const failed = {
  kind: 'failed',
  data: { class: 'permanent', code: 'no', message: '', effects: 'unknown' },
} as const;
let refusing = true;

beforeAll(async () => {
  stage = await openStage();
  // Two processes: what one begins the other may go on with.
  stage.start();
  stage.process().start();
  nett = startService(stage.bus, 'nett', {
    run: ({ action }) => {
      if (action.endsWith('.refuse')) return failed;
      if (action.endsWith('.maybe')) return refusing ? failed : done;
      return action.endsWith('.wait') ? 'hold' : done;
    },
  });
});
afterAll(async () => {
  const { items } = await stage.task.invariant.list(operator, {});
  await nett.stop();
  await stage.close();
  expect(items.filter(({ violations }) => violations > 0)).toEqual([]);
});

const stepsOf = async (taskId: string) => (await stage.task.step.list(operator, { taskId })).items;
const childrenOf = async (taskId: string) =>
  (await stage.task.task.list(acme, { limit: 500 })).items
    .filter(({ parentTaskId }) => parentTaskId === taskId)
    .toReversed();
const stateOf = async (id: string) => (await stage.task.task.get(acme, { id })).state;
/** Operations of a task that the service holds. */
const held = (taskId: string, count: number) =>
  eventually(async () => {
    const ops = [];
    for (const { id } of await childrenOf(taskId))
      for (const each of await stepsOf(id)) if (nett.rows.get(each.id)?.state === 'doing') ops.push(each.id);
    return ops.length === count ? ops : undefined;
  }, `${count} steps of children to be held`);

test('a step is done by the tasks that it makes: theirs is its place, its initiator and its story, and their ends are its end', async () => {
  const correlationId = '00000000-0000-4000-8000-00000000abcd';
  const plans = [[step('one')], [step('two'), children('deep', [[step('three')]])]];
  const { id } = await stage.make(acme, { steps: inARow(children('both', plans), step('last')) }, { correlationId });
  expect(await stage.until(acme, id, 'succeeded', 'stuck', 'failed')).toMatchObject({ state: 'succeeded' });
  const [both] = await stepsOf(id);
  const made = await childrenOf(id);
  const named = [0, 1].map((index) => encodeId('tsk', namedId(decodeId('stp', both!.id), `do:${index}:1`)));
  expect(made.map((each) => each.id).toSorted()).toEqual(named.toSorted());
  expect(both?.output).toMatchObject({ tasks: named.map((taskId) => ({ taskId })) });
  for (const child of made)
    expect(child).toMatchObject({ state: 'succeeded', correlationId, initiator: { id: acme.principal.id } });
  for (const child of made) expect(child.environmentId).toBe(acme.scopes.at(-1)!.id);
  expect(nett.story.filter((what) => what === 'port.three')).toHaveLength(1);
  expect(nett.story.at(-1)).toBe('port.last');
});

test('the first child that fails ends its siblings, and what they had made is taken back', async () => {
  const plans = [[step('wait')], [step('four')], inARow(step('five'), step('refuse'))];
  const back = [[], [step('backfour')], []].map((steps) => (steps.length === 0 ? [step('none')] : steps));
  const { id } = await stage.make(acme, { steps: [children('three', plans, back)] });
  const ended = await eventually(async () => {
    for (const { id: child } of await childrenOf(id))
      for (const each of await stepsOf(child)) if (nett.rows.get(each.id)?.wantUndo) await nett.end(each.id, done);
    const task = await stage.task.task.get(acme, { id });
    return task.finishedAt === undefined && task.state !== 'stuck' ? undefined : task;
  }, 'the parent to end');
  expect(ended).toMatchObject({ state: 'failed', cause: 'step_failed', error: { code: 'child_failed' } });
  const states = (await childrenOf(id)).map(({ state, cause }) => `${state} ${cause ?? ''}`).toSorted();
  expect(states).toEqual(['failed dependency', 'failed step_failed', 'succeeded ', 'succeeded ']);
  expect(nett.story).toContain('port.backfour');
});

test('what has succeeded and names nothing that takes it back needs a person', async () => {
  const { id } = await stage.make(acme, { steps: inARow(children('kept', [[step('six')]]), step('refuse')) });
  await stage.until(acme, id, 'stuck');
  const [kept] = await stepsOf(id);
  expect(kept).toMatchObject({ undoState: 'failed' });
  const { items } = await stage.task.event.list(acme, { taskId: id, limit: 500 });
  expect(items.map(({ data }) => data['code'])).toContain('child_succeeded');
  await stage.task.task.waive(operator, { id, stepId: kept!.id, note: 'it may stay' });
  await stage.until(acme, id, 'failed');
});

test('cancelled, a parent waits for its children to be taken back, also for one that is stuck', async () => {
  const policy = { ...quick, retry: { attemptsMax: 1 } };
  const stuck = inARow(step('seven'), step('refuse', { onFailure: 'hold', policy }));
  const { id } = await stage.make(acme, { steps: [children('all', [[step('wait')], stuck])] });
  const [op] = await held(id, 1);
  await eventually(async () => ((await childrenOf(id)).some(({ state }) => state === 'stuck') ? true : undefined), '');
  expect(await stateOf(id)).toBe('running');
  await stage.task.task.cancel(acme, { id });
  await eventually(async () => (nett.rows.get(op!)?.wantUndo === true ? true : undefined), 'the undo to wait');
  expect(await stateOf(id)).toBe('unwinding');
  await nett.end(op!, done);
  await stage.until(acme, id, 'cancelled');
  expect((await childrenOf(id)).map(({ state }) => state)).toEqual(['failed', 'failed']);
  expect(nett.world.has(op!)).toBe(false);
});

test('a child that was abandoned fails its step, and one that failed is made anew when a person tries again', async () => {
  const policy = { ...quick, retry: { attemptsMax: 1 } };
  const sticky = [step('refuse', { onFailure: 'hold', policy })];
  const { id } = await stage.make(acme, { steps: [children('given-up', [sticky])] });
  const child = await eventually(async () => (await childrenOf(id)).find(({ state }) => state === 'stuck'), 'stuck');
  await stage.task.task.abandon(operator, { id: child.id, note: 'left as it is' });
  expect(await stage.until(acme, id, 'failed', 'stuck')).toMatchObject({
    state: 'failed',
    error: { code: 'child_abandoned' },
  });

  const again = { ...children('again', [[step('eight')], [step('maybe')]]), onFailure: 'hold' as const };
  const second = await stage.make(acme, { steps: [again] });
  await stage.until(acme, second.id, 'stuck');
  refusing = false;
  const [failing] = await stepsOf(second.id);
  await stage.task.task.retry(operator, { id: second.id, stepId: failing!.id });
  await stage.until(acme, second.id, 'succeeded');
  const made = (await childrenOf(second.id)).map(({ state }) => state).toSorted();
  expect([made.at(0), made.at(-1), made.length >= 3]).toEqual([
    expect.stringMatching(/cancelled|failed/),
    'succeeded',
    true,
  ]);
});

test('parents that fill a lane make room for their children, who come before all others, and nothing waits for ever', async () => {
  const caller = callerOf(40);
  await stage.task.projection.apply({ ...caller, readScope: { all: true } }, {});
  const lane = decodeId('tnt', caller.scopes[0]!.tenantId!);
  await stage.db.app.unsafe(
    `insert into lane (tenant_id, max_running) values ($1, 1) on conflict (tenant_id) do update set max_running = 1`,
    [lane],
  );
  const plans = [[step('wait')], [step('wait')]];
  const parents = [];
  for (let n = 0; n < 3; n += 1) parents.push(await stage.make(caller, { steps: [children('two', plans)] }));
  const all = async () => (await stage.task.task.list(caller, { limit: 500 })).items;
  let seen = 0;
  await eventually(async () => {
    const tasks = await all();
    const ops = [];
    for (const task of tasks.filter(({ state, parentTaskId }) => state === 'running' && parentTaskId !== undefined))
      for (const each of await stepsOf(task.id)) if (nett.rows.get(each.id)?.state === 'doing') ops.push(each.id);
    seen = Math.max(seen, ops.length);
    const [first] = ops;
    if (first !== undefined) await nett.end(first, done);
    return tasks.length === 9 && tasks.every(({ state }) => state === 'succeeded') ? true : undefined;
  }, 'nine tasks to end in a lane of one');
  expect(seen).toBe(1);
  // The first family is through before the third begins.
  const [first, , third] = await Promise.all(parents.map(({ id }) => stage.task.task.get(caller, { id })));
  expect(Date.parse(first!.finishedAt!)).toBeLessThanOrEqual(Date.parse(third!.startedAt!));
  const [row] = await stage.db.platform.unsafe(`select queued, running from lane where tenant_id = $1`, [lane]);
  expect(row).toEqual({ queued: 0, running: 0 });
}, 60_000);
