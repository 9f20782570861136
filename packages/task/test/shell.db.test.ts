import { decodeId } from '@sentral/contracts/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callerOf, eventually, inARow, leftovers, openStage, scopeIdOf, step, type Stage } from './shell/stage.js';
import { startService } from './shell/service.js';

let stage: Stage;
let nett: ReturnType<typeof startService>;
let inventory: ReturnType<typeof startService>;
const acme = callerOf(1);
const done = (output: unknown = {}) => ({ kind: 'succeeded', data: { output } }) as const;
const refusal = {
  kind: 'failed',
  data: { class: 'permanent', code: 'no_port', message: '', effects: 'unknown' },
} as const;

beforeAll(async () => {
  stage = await openStage();
  stage.start();
  nett = startService(stage.bus, 'nett', {
    run: ({ action, input }) => {
      if (action.endsWith('.refuse')) return refusal;
      if (action.endsWith('.wait')) return 'hold';
      if (action.endsWith('.nothing')) return done(null);
      return done({ of: action, with: input });
    },
  });
  inventory = startService(stage.bus, 'inventory', { run: () => done() });
});
afterAll(async () => {
  await Promise.all([nett.stop(), inventory.stop()]);
  await stage.close();
});

const nothing = { timers: 0, claims: 0, messages: 0, attempts: 0, holdings: 0 };
const uuidOf = (id: string) => decodeId('tsk', id);

/** What every command over several contexts is made of: what the facade reserved is bound, used and confirmed. */
const withAllocation = (allocationId: string, ...middle: ReturnType<typeof step>[]) => {
  const named = { input: { id: allocationId }, service: 'inventory' };
  return inARow(
    step('bind', {
      ...named,
      action: 'allocation.bind',
      undo: { action: 'allocation.release', input: { id: allocationId } },
    }),
    ...middle,
    step('confirm', { ...named, action: 'allocation.confirm', undo: 'none', pivot: true }),
  );
};

test('a task binds what is held, does its steps, confirms it, and leaves nothing but its story', async () => {
  const caller = { ...acme, idempotency: { scope: 's', key: 'k1', fingerprint: 'f' } };
  const { taskId } = await stage.task.task.intent(caller, {});
  expect(await stage.task.task.intent(caller, {})).toEqual({ taskId });
  const steps = withAllocation(
    'alc_1',
    step('attach'),
    step('name', { input: { port: { $from: '/steps/attach/output/of' } } }),
  );
  const input = { steps, allocationId: 'alc_1', resource: 'net_1' };
  const made = await stage.make(caller, input, { id: taskId });
  expect(made).toMatchObject({ id: taskId, state: 'running', steps: { total: 4, done: 0 } });
  const ended = await stage.until(acme, taskId, 'succeeded', 'failed', 'stuck');
  expect(ended).toMatchObject({ state: 'succeeded', progress: 100, steps: { done: 4 }, output: { last: {} } });
  expect(inventory.story).toEqual(['allocation.bind', 'allocation.confirm']);
  expect(nett.story).toEqual(['port.attach', 'port.name']);
  const { items } = await stage.task.step.list(acme, { taskId });
  expect(items.map(({ key, state, attempt }) => [key, state, attempt])).toEqual([
    ['bind', 'succeeded', 1],
    ['attach', 'succeeded', 1],
    ['name', 'succeeded', 1],
    ['confirm', 'succeeded', 1],
  ]);
  expect(items[2]).toMatchObject({ output: { with: { port: 'port.attach' } } });
  expect(await leftovers(stage.db.platform, uuidOf(taskId))).toEqual(nothing);
  // The story has one line a version, and the feed one fact.
  const story = await stage.task.event.list(acme, { taskId, limit: 500 });
  expect(story.items.map(({ seq }) => seq)).toEqual(Array.from({ length: ended.version }, (_, at) => at + 1));
  const facts = await stage.db.platform.unsafe(
    `select resource_version::int as version, audit ->> 'auditVersion' as audited from feed where resource_id = $1 order by 1`,
    [uuidOf(taskId)],
  );
  expect(facts.map(({ version }) => version)).toEqual(story.items.map(({ seq }) => seq));
  expect(facts.flatMap(({ audited }) => audited ?? [])).toEqual(['1', '2', '3']);
  // The same key again: the same task, and nothing more is done.
  expect(await stage.make(caller, input, { id: taskId })).toMatchObject({ id: taskId, replayed: true });
  expect(await stage.task.task.intent(caller, {})).toMatchObject({ taskId, task: { id: taskId } });
  const another = { ...caller, idempotency: { ...caller.idempotency, fingerprint: 'g' } };
  await expect(stage.task.task.intent(another, {})).rejects.toMatchObject({ code: 'idempotency-key-reused' });
});

test('null is an answer: what refers to it gets it', async () => {
  const steps = inARow(
    step('nothing'),
    step('between'),
    step('after', { input: { got: { $from: '/steps/nothing/output' } } }),
  );
  const { id } = await stage.make(acme, { steps });
  expect(await stage.until(acme, id, 'succeeded', 'stuck')).toMatchObject({
    state: 'succeeded',
    output: { last: { of: 'port.after', with: { got: null } } },
  });
});

test('what cannot be done is taken back in reverse, what is held is given back, and the world is as before', async () => {
  const [before, after] = [nett.story.length, inventory.story.length];
  const steps = withAllocation('alc_2', step('one'), step('two'), step('refuse'));
  const { id } = await stage.make(acme, { steps, allocationId: 'alc_2', resource: 'net_2' });
  const ended = await stage.until(acme, id, 'failed', 'succeeded', 'stuck');
  expect(ended).toMatchObject({ state: 'failed', cause: 'step_failed', error: { code: 'no_port', step: 'refuse' } });
  expect(nett.story.slice(before)).toEqual(['port.one', 'port.two', 'undo port.two', 'undo port.one']);
  expect(inventory.story.slice(after)).toEqual(['allocation.bind', 'undo allocation.bind']);
  expect(await leftovers(stage.db.platform, uuidOf(id))).toEqual(nothing);
  const [row] = await stage.db.platform.unsafe(`select state from holding where task_id = $1`, [uuidOf(id)]);
  expect(row).toEqual({ state: 'released' });
});

test('cancelled in the middle, a late success changes nothing and its effect is taken back', async () => {
  const { id } = await stage.make(acme, { steps: inARow(step('three'), step('wait')) });
  const op = await waiting(id);
  const cancelled = await stage.task.task.cancel(acme, { id, note: 'not wanted' });
  expect(cancelled).toMatchObject({ state: 'unwinding', cause: 'cancelled' });
  await nett.end(op, done());
  expect(await stage.until(acme, id, 'cancelled', 'stuck')).toMatchObject({ state: 'cancelled' });
  expect(nett.world.has(op)).toBe(false);
  // Asking again is the same as asking once, and the service may say what it likes.
  const { version } = await stage.task.task.cancel(acme, { id });
  await nett.repeat(op, done(), { id: `${op}:late` });
  await nett.repeat(op, done(), { id: `${op}:later` });
  expect((await stage.task.task.get(acme, { id })).version).toBe(version);
  await expect(stage.task.task.hold(acme, { id })).rejects.toMatchObject({ code: 'state-conflict' });
});

/** The operation of the step that waits, once the service has it. */
async function waiting(taskId: string): Promise<string> {
  return eventually(async () => {
    const { items } = await stage.task.step.list(acme, { taskId });
    return items.find(({ action, state }) => action.endsWith('.wait') && state === 'accepted')?.id;
  }, 'a step to wait');
}

test('one changing task a resource: the second is told which has it, another tenant only that somebody has', async () => {
  const input = { steps: [step('wait')], resource: 'net_3' };
  const { id } = await stage.make(acme, input);
  await expect(stage.make(acme, input)).rejects.toMatchObject({ code: 'operation-in-progress', facts: { taskId: id } });
  await expect(stage.make(callerOf(2), input)).rejects.toMatchObject({
    code: 'operation-in-progress',
    facts: { resource: 'net_3', retryAfterSeconds: 2 },
  });
  await stage.task.task.cancel(acme, { id });
  const { items } = await stage.task.step.list(acme, { taskId: id });
  await nett.end(items[0]!.id, done());
  await stage.until(acme, id, 'cancelled');
  expect(await stage.make(acme, { steps: [step('four')], resource: 'net_3' })).toMatchObject({ state: 'running' });
});

test('a task of another tenant is not there: not to be read, and not to be moved', async () => {
  const { id } = await stage.make(acme, { steps: [step('five')] });
  await stage.until(acme, id, 'succeeded');
  const other = callerOf(2);
  const verbs = stage.task;
  for (const ask of [
    () => verbs.task.get(other, { id }),
    () => verbs.step.list(other, { taskId: id }),
    () => verbs.event.list(other, { taskId: id }),
    () => verbs.task.cancel(other, { id }),
    () => verbs.task.signal(other, { id, name: 'go' }),
    () => verbs.task.abandon(other, { id, note: 'n' }),
  ])
    await expect(ask()).rejects.toMatchObject({ code: 'not-found' });
  expect((await verbs.task.list(other, {})).items).toEqual([]);
  const mine = await verbs.task.list(acme, { state: ['succeeded'], limit: 1 });
  expect(mine.items).toHaveLength(1);
  const next = await verbs.task.list(acme, { state: ['succeeded'], limit: 500, cursor: mine.nextCursor! });
  expect(next.items.map((each) => each.id)).not.toContain(mine.items[0]!.id);
  await expect(verbs.task.list(acme, { sort: 'id', cursor: mine.nextCursor! })).rejects.toMatchObject({
    code: 'invalid-cursor',
  });
});

test('a signal is kept until its step comes, and counts once', async () => {
  const steps = inARow(step('wait'), step('told', { kind: 'wait', action: 'approved', undo: 'none' }));
  const { id } = await stage.make(acme, { steps });
  const op = await waiting(id);
  await stage.task.task.signal(acme, { id, name: 'approved', messageId: 'm', data: { by: 'x' } });
  await stage.task.task.signal(acme, { id, name: 'approved', messageId: 'm', data: { by: 'y' } });
  await nett.end(op, done());
  expect(await stage.until(acme, id, 'succeeded')).toMatchObject({ output: { last: { by: 'x' } } });
});

test('a held task sends nothing and hears everything; resumed, it goes on', async () => {
  const { id } = await stage.make(acme, { steps: inARow(step('wait'), step('six')) });
  const op = await waiting(id);
  const held = await stage.task.task.hold(acme, { id, note: 'look first' });
  expect(held).toMatchObject({ state: 'running', hold: 'operator', holdNote: 'look first' });
  await expect(stage.task.task.resume(acme, { id, version: 1 })).rejects.toMatchObject({ code: 'version-mismatch' });
  await nett.end(op, done());
  await eventually(async () => {
    const { items } = await stage.task.step.list(acme, { taskId: id });
    return items[0]?.state === 'succeeded' && items[1]?.state === 'ready' ? true : undefined;
  }, 'the answer to count');
  expect(nett.story).not.toContain('port.six');
  await stage.task.task.resume(acme, { id });
  await stage.until(acme, id, 'succeeded');
});

test('input of no workflow, and input that it does not take, are refused by name', async () => {
  const asked = (more: object) =>
    stage.task.task.create(acme, { kind: 'test.free', input: {}, scopeId: scopeIdOf(acme), ...more });
  await expect(asked({ kind: 'test.none' })).rejects.toMatchObject({
    code: 'reference-not-found',
    facts: { pointer: '/kind' },
  });
  await expect(asked({ input: { steps: [] } })).rejects.toMatchObject({
    code: 'validation-failed',
    facts: { errors: [{ pointer: '/input/steps' }] },
  });
  const other = callerOf(3);
  const scopes = other.scopes.map((scope) => ({ ...scope, state: 'suspended' as const }));
  const suspended = { kind: 'test.free', input: { steps: [step('a')] }, scopeId: scopeIdOf(other) };
  await expect(stage.task.task.create({ ...other, scopes }, suspended)).rejects.toMatchObject({
    code: 'scope-not-active',
  });
});
