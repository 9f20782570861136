import { decodeId } from '@sentral/contracts/ids';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { admitNext } from '../src/run/admission.js';
import { removeExpired } from '../src/run/retention.js';
import { advanceStalled } from '../src/run/scan.js';
import { startService } from './shell/service.js';
import { callerOf, eventually, inARow, openStage, quick, scopeIdOf, step, type Stage } from './shell/stage.js';

let stage: Stage;
let admin: Database;
const operator = { ...callerOf(9), readScope: { all: true as const } };
const free = [step('idle', { kind: 'wait', undo: 'none' })];

beforeAll(async () => {
  stage = await openStage();
  admin = openDatabase({ url: stage.place.adminUrl, applicationName: 'task-order-test', poolSize: 2 });
});
afterAll(async () => {
  await admin.close();
  await stage.close();
});

/** Sets something that no verb does, past the guards: time has to pass somehow. */
const behind = (text: string, params: readonly unknown[] = []) =>
  inTransaction(admin, async (tx) => {
    await tx.unsafe('set local session_replication_role = replica');
    return tx.unsafe(text, params);
  });

let next = 100;
/** A tenant of its own for each test, whose lane lets in so many. */
async function tenantWith(maxRunning: number) {
  const caller = callerOf((next += 1));
  await stage.task.projection.apply({ ...caller, readScope: { all: true } }, {});
  await room(caller, maxRunning);
  return caller;
}
const tenantUuid = (caller: ReturnType<typeof callerOf>) => decodeId('tnt', caller.scopes[0]!.tenantId!);
const lanes = async (caller: ReturnType<typeof callerOf>) => {
  const [row] = await stage.db.platform.unsafe(
    `select l.queued, l.running, (select count(*) from task t where t.tenant_id = l.tenant_id and t.state = 'queued')::int as "countedQueued",
       (select count(*) from task t where t.tenant_id = l.tenant_id and t.state in ('running', 'unwinding'))::int as "countedRunning"
     from lane l where l.tenant_id = $1`,
    [tenantUuid(caller)],
  );
  return row as { queued: number; running: number; countedQueued: number; countedRunning: number };
};
const room = (caller: ReturnType<typeof callerOf>, max: number) =>
  behind(`update task.lane set max_running = $2 where tenant_id = $1`, [tenantUuid(caller), max]);

beforeEach(async () => {
  // What an earlier test left waiting is nobody's turn.
  await behind(`update task.lane set max_running = 0`);
});

test('of two tenants that wait, the one with a thousand in its queue does not delay the first of the other', async () => {
  const [many, one] = [await tenantWith(0), await tenantWith(0)];
  for (let at = 0; at < 12; at += 1) await stage.make(many, { steps: free });
  // It was served long before the other came, and has nothing saved up nor owed.
  await behind(`update task.lane set vtime = 500 where tenant_id = $1`, [tenantUuid(many)]);
  const { id } = await stage.make(one, { steps: free });
  await Promise.all([room(many, 10), room(one, 10)]);
  expect(await admitNext(stage.deps)).toBe(true);
  expect(await stage.task.task.get(one, { id })).toMatchObject({ state: 'running' });
  for (let at = 0; at < 3; at += 1) await stage.make(one, { steps: free });
  await room(one, 1);
  // Four workers at once fill the room of the other to the brim and never past it.
  await Promise.all(
    [1, 2, 3, 4].map(async () => {
      while (await admitNext(stage.deps));
    }),
  );
  while (await admitNext(stage.deps));
  expect(await lanes(many)).toEqual({ queued: 2, running: 10, countedQueued: 2, countedRunning: 10 });
  expect(await lanes(one)).toMatchObject({ running: 4, countedRunning: 4 });
});

test('a queued task keeps its turn by priority and age, gives it up when it is held, and ends by itself when nothing of it was sent', async () => {
  const caller = await tenantWith(0);
  const [first, second] = [await stage.make(caller, { steps: free }), await stage.make(caller, { steps: free })];
  await stage.task.task.hold(caller, { id: first.id });
  await room(caller, 1);
  expect(await admitNext(stage.deps)).toBe(true);
  expect(await stage.task.task.get(caller, { id: second.id })).toMatchObject({ state: 'running' });
  expect(await admitNext(stage.deps)).toBe(false);
  expect(await stage.task.task.cancel(caller, { id: first.id })).toMatchObject({ state: 'cancelled' });
  expect(await lanes(caller)).toEqual({ queued: 0, running: 1, countedQueued: 0, countedRunning: 1 });
});

test('who comes finds room only behind those that wait, and what stands still as it begins takes none', async () => {
  const caller = await tenantWith(1);
  const states = async (...made: readonly { readonly id: string }[]) =>
    Promise.all(made.map(async ({ id }) => (await stage.task.task.get(caller, { id })).state));
  const [first, second] = [await stage.make(caller, { steps: free }), await stage.make(caller, { steps: free })];
  await room(caller, 5);
  const third = await stage.make(caller, { steps: free });
  expect(await states(first, second, third)).toEqual(['running', 'queued', 'queued']);
  expect(await lanes(caller)).toEqual({ queued: 2, running: 1, countedQueued: 2, countedRunning: 1 });
  while (await admitNext(stage.deps));
  // Its input cannot be filled in, so it fails without having been sent.
  const lame = [step('lame', { input: { $from: '/input/missing' } })];
  const ended = await stage.make(caller, { steps: lame });
  expect(await states(second, third, ended)).toEqual(['running', 'running', 'stuck']);
  expect(await lanes(caller)).toEqual({ queued: 0, running: 3, countedQueued: 0, countedRunning: 3 });
});

test('a full queue takes nothing more, and says when to come again', async () => {
  const caller = await tenantWith(0);
  await behind(`update task.lane set queued = 1000 where tenant_id = $1`, [tenantUuid(caller)]);
  await expect(stage.make(caller, { steps: free })).rejects.toMatchObject({
    code: 'queue-full',
    facts: { limit: 1000, retryAfterSeconds: 30 },
  });
});

test('what waits past its deadline is taken back, and what it holds is given back', async () => {
  const caller = await tenantWith(0);
  const loops = stage.start();
  const inventory = startService(stage.bus, 'inventory', { run: () => 'hold' });
  const named = { service: 'inventory', action: 'allocation.bind', undo: { action: 'allocation.release' } };
  const { id } = await stage.make(caller, { steps: [step('bind', named)], allocationId: 'alc_9', deadlineMs: 200 });
  const ended = await stage.until(caller, id, 'failed');
  expect(ended).toMatchObject({ cause: 'deadline' });
  // The facade has bound it before the step was ever sent: the undo is.
  const { items } = await stage.task.step.list(caller, { taskId: id });
  expect(items[0]).toMatchObject({ state: 'skipped', undoState: 'done', attempt: 0, undoAttempt: 1 });
  await Promise.all([inventory.stop(), loops.stop()]);
});

test('nothing goes through a closed gate, and what waited goes out when it is opened', async () => {
  const caller = await tenantWith(5);
  const loops = stage.start();
  const plattform = startService(stage.bus, 'plattform', { run: () => ({ kind: 'succeeded', data: { output: {} } }) });
  await stage.task.serviceGate.pause(operator, { service: 'plattform', note: 'it is being moved' });
  const { id } = await stage.make(caller, { steps: [step('one', { service: 'plattform' })] });
  await pause(300);
  expect((await stage.task.step.list(caller, { taskId: id })).items[0]).toMatchObject({ state: 'ready', attempt: 0 });
  await stage.task.serviceGate.resume(operator, { service: 'plattform' });
  await stage.until(caller, id, 'succeeded');
  await Promise.all([plattform.stop(), loops.stop()]);
});

test('of many who move the gate of a service that nobody knew at once, each hears how it stands, and it keeps its first note', async () => {
  const gates = [stage.task, stage.process().task].map(({ serviceGate }) => serviceGate);
  const close = (n: number) => gates[n % 2]!.pause(operator, { service: 'unheard', note: `note ${n}` });
  const told = await Promise.all(Array.from({ length: 12 }, (_, n) => close(n)));
  expect(new Set(told.map(({ note, changedAt }) => `${note} ${changedAt}`)).size).toBe(1);
  expect(await close(12)).toEqual(told[0]);
  expect(await gates[0]!.resume(operator, { service: 'unheard' })).toMatchObject({ paused: false });
});

test('a destructive step waits for the word of tenancy; without the right the task is held, with it it goes on', async () => {
  const caller = await tenantWith(5);
  let may = false;
  const other = stage.process({ mayStill: () => may });
  const loops = other.start();
  const objekt = startService(stage.bus, 'objekt', { run: () => ({ kind: 'succeeded', data: { output: {} } }) });
  const input = { steps: [step('wipe', { service: 'objekt', destructive: true })] };
  const { id } = await other.task.task.create(caller, { kind: 'test.free', input, scopeId: scopeIdOf(caller) });
  const held = await eventually(async () => {
    const task = await stage.task.task.get(caller, { id });
    return task.hold === undefined ? undefined : task;
  }, 'the hold');
  expect(held).toMatchObject({ state: 'running', hold: 'policy' });
  expect(objekt.story).toEqual([]);
  may = true;
  await other.task.task.resume(caller, { id });
  await stage.until(caller, id, 'succeeded');
  await Promise.all([objekt.stop(), loops.stop()]);
});

test('an undo that fails is a letter and a finding; waived by a person, the task ends as failed', async () => {
  const caller = await tenantWith(5);
  const loops = stage.start();
  let stuck = true;
  const maskin = startService(stage.bus, 'maskin', {
    run: ({ action }) =>
      action.endsWith('.refuse')
        ? { kind: 'failed', data: { class: 'permanent', code: 'no', message: '', effects: 'unknown' } }
        : { kind: 'succeeded', data: { output: {} } },
    takeBack: (op) =>
      stuck && maskin.world.get(op) === 'port.one'
        ? { kind: 'undo_failed', data: { class: 'permanent', code: 'wedged', message: '' } }
        : { kind: 'undone', data: { found: true } },
  });
  const make = () =>
    stage.make(caller, { steps: inARow(step('one', { service: 'maskin' }), step('refuse', { service: 'maskin' })) });
  const { id } = await make();
  await stage.until(caller, id, 'stuck');
  const trouble = async (of: string) =>
    stage.db.platform.unsafe(
      `select (select array_agg(state) from dead_letter where task_id = $1) as letters, (select array_agg(kind) from finding where task_id = $1) as findings`,
      [decodeId('tsk', of)],
    );
  expect([...(await trouble(id))]).toEqual([{ letters: ['open'], findings: ['task.undo_failed'] }]);
  const [one] = (await stage.task.step.list(caller, { taskId: id })).items;
  const ended = await stage.task.task.waive(operator, { id, stepId: one!.id, note: 'cleared by hand' });
  expect(ended).toMatchObject({ state: 'failed', cause: 'step_failed' });
  expect([...(await trouble(id))]).toMatchObject([{ letters: ['discarded'] }]);
  // Another one is tried again instead, and a third is given up as it is.
  const [again, given] = [await make(), await make()];
  await Promise.all([stage.until(caller, again.id, 'stuck'), stage.until(caller, given.id, 'stuck')]);
  stuck = false;
  const [first] = (await stage.task.step.list(caller, { taskId: again.id })).items;
  await stage.task.task.retry(operator, { id: again.id, stepId: first!.id });
  expect(await stage.until(caller, again.id, 'failed')).toMatchObject({ cause: 'step_failed' });
  expect([...(await trouble(again.id))]).toMatchObject([{ letters: ['redriven'] }]);
  const abandoned = await stage.task.task.abandon(operator, { id: given.id, note: 'the rack burnt' });
  expect(abandoned).toMatchObject({ state: 'abandoned', note: 'the rack burnt' });
  await Promise.all([maskin.stop(), loops.stop()]);
});

test('a command whose timer is gone gets one again, and the scan says that it had to', async () => {
  const caller = await tenantWith(5);
  const { id } = await stage.make(caller, {
    steps: [step('lost', { service: 'nobody', policy: { ...quick, ackMs: 60_000 } })],
  });
  const timers = () =>
    stage.db.platform.unsafe(`select kind from timer where task_id = $1 order by kind`, [decodeId('tsk', id)]);
  expect(await timers()).toHaveLength(2);
  expect(await advanceStalled(stage.deps)).toBe(0);
  await behind(`delete from task.timer where task_id = $1`, [decodeId('tsk', id)]);
  expect(await advanceStalled(stage.deps)).toBe(1);
  expect([...(await timers())]).toEqual([{ kind: 'ack' }]);
  expect(stage.lines.at(-1)).toContain('commands had no timer');
});

test('what is past its time is removed with all that hangs on it, and the feed says so', async () => {
  const caller = await tenantWith(0);
  const { id } = await stage.make(caller, { steps: free });
  await stage.task.task.cancel(caller, { id });
  const uuid = decodeId('tsk', id);
  expect(await removeExpired(stage.deps)).toBe(0);
  await behind(`update task.task set expires_at = now() - interval '1 second' where id = $1`, [uuid]);
  expect(await removeExpired(stage.deps)).toBe(1);
  await expect(stage.task.task.get(caller, { id })).rejects.toMatchObject({ code: 'not-found' });
  const rows = await stage.db.platform.unsafe(`select type from feed where resource_id = $1 order by seq`, [uuid]);
  expect(rows.map(({ type }) => type)).toEqual(['task.task.created', 'task.task.cancelled', 'task.task.purged']);
});
