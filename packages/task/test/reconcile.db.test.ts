import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { newId } from '@sentral/kernel/id';
import { leadership } from '@sentral/kernel/relay';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { taskStates } from '@sentral/contracts/task/task';
import { holdingScans, verdictOn, type Allocations } from '../src/reconcile/holdings.js';
import { runDue, startReconciler, type Pass, type Scan } from '../src/reconcile/runner.js';
import { ownScans } from '../src/reconcile/scans.js';
import { startService } from './shell/service.js';
import { callerOf, eventually, inARow, openStage, quick, step, tenantOf, type Stage } from './shell/stage.js';

let stage: Stage;
let nett: ReturnType<typeof startService>;
const acme = callerOf(1);
const minute = 60_000;
let sticks = true;
const base = Date.now() + 3_600_000;
const after = (minutes: number): Date => new Date(base + minutes * minute);

beforeAll(async () => {
  stage = await openStage();
  stage.start();
  nett = startService(stage.bus, 'nett', {
    run: ({ action }) => {
      if (action.endsWith('.wait')) return 'hold';
      if (!action.endsWith('.refuse')) return { kind: 'succeeded', data: { output: {} } };
      return { kind: 'failed', data: { class: 'permanent', code: 'no', message: '', effects: 'unknown' } };
    },
    takeBack: (op) =>
      sticks && nett.world.get(op) === 'port.sticky'
        ? { kind: 'undo_failed', data: { class: 'permanent', code: 'held_back', message: '' } }
        : { kind: 'undone', data: { found: true } },
  });
});
afterAll(async () => {
  await nett.stop();
  await stage.close();
});

/** A pass as a process of its own runs it, at a time of its clock. */
async function pass(scan: Scan, at: Date): Promise<void> {
  const leader = leadership(stage.db.app, 'task', { name: `test.${scan.name}`, holdMs: 5_000 });
  await runDue(stage.deps, { ...scan, name: `test.${scan.name}` }, leader, at);
  await leader.release();
}
const findings = async (subject: string) =>
  [
    ...(await stage.db.platform.unsafe(
      `select kind, state, seen::int as seen, note from finding where subject = $1 order by first_at`,
      [subject],
    )),
  ] as unknown as { kind: string; state: string; seen: number; note: string | null }[];

test('a scan that fails as it did before is told once, and again after it went well', async () => {
  const told: string[] = [];
  let fault: string | undefined = 'nobody answers';
  let passes = 0;
  const telemetry = {
    ...stage.deps.telemetry,
    log: (level: string, text: string) => void (text.startsWith('a scan failed') && told.push(level)),
  };
  const page = async () => {
    passes += 1;
    if (fault !== undefined) throw new Error(fault);
    return { rows: 0, repaired: 0 };
  };
  const loops = startReconciler({ ...stage.deps, telemetry }, [{ name: 'test.told', everyMs: 20, page }]);
  const some = async () => {
    const from = passes;
    await eventually(async () => (passes > from + 3 ? true : undefined), 'passes');
  };
  await some();
  expect([told[0], new Set(told.slice(1))]).toEqual(['warn', new Set(['debug'])]);
  fault = undefined;
  await some();
  told.length = 0;
  fault = 'nobody answers';
  await some();
  expect([told[0], new Set(told.slice(1))]).toEqual(['warn', new Set(['debug'])]);
  await Promise.all(loops.map((loop) => loop.stop()));
});

test('the table of holdings: only what a task of today needs is left alone', () => {
  const table = Object.fromEntries(
    [undefined, ...taskStates].map((state) => [
      state ?? 'none',
      [false, true].map((bound) => verdictOn(bound, state).act),
    ]),
  );
  expect(table).toEqual({
    none: ['nothing', 'release'],
    queued: ['bind', 'nothing'],
    running: ['bind', 'nothing'],
    unwinding: ['bind', 'nothing'],
    stuck: ['bind', 'nothing'],
    succeeded: ['nothing', 'confirm'],
    failed: ['nothing', 'release'],
    cancelled: ['nothing', 'release'],
    abandoned: ['nothing', 'tell'],
  });
});

/** Inventory as far as tasks know it. */
function inventoryOf(...held: Partial<Allocation>[]) {
  const rows = new Map(held.map((row) => [row.id as string, { state: 'held', version: 1, ...row } as Allocation]));
  const asked: string[] = [];
  const change =
    (what: string, state: Allocation['state']) =>
    async (_: unknown, { id }: { id: string }) => {
      // The finding says what is about to be done, before it is.
      asked.push(`${what} ${(await findings(id)).at(-1)?.state}`);
      rows.set(id, { ...rows.get(id)!, state });
      return rows.get(id)!;
    };
  const allocations = {
    list: async (_: unknown, { cursor }: { cursor?: string }) => {
      const ids = [...rows.keys()].toSorted().filter((id) => id > (cursor ?? ''));
      const all = ids.map((id) => rows.get(id)!).filter(({ state }) => state === 'held');
      return { items: all.slice(0, 2), ...(all.length > 2 ? { nextCursor: all[1]!.id } : {}) };
    },
    get: async (_: unknown, { id }: { id: string }) => rows.get(id) ?? { state: 'released' },
    bind: async (_: unknown, { taskId }: { taskId: string }) => {
      asked.push('bind');
      for (const row of rows.values())
        if (row.consumer.id === taskId) rows.set(row.id, { ...row, boundTaskId: taskId as never });
      return {};
    },
    release: change('release', 'released'),
    confirm: change('confirm', 'active'),
  } as unknown as Allocations;
  const scans = holdingScans(stage.deps, allocations);
  const run = (name: string, at: Date) =>
    pass(
      scans.find((scan) => scan.name === name)!,
      at,
    );
  return { rows, asked, run };
}
const allocationOf = (taskId: string, bound = true): Partial<Allocation> => ({
  id: encodeId('alc', newId()),
  tenantId: tenantOf(1),
  consumer: { service: 'sentral', kind: 'task', id: taskId },
  ...(bound ? { boundTaskId: taskId as never } : {}),
});

test('what is held for a task that has ended is given back at the second sighting, that of one that nobody knows after a quarter of an hour', async () => {
  const ended = await stage.make(acme, { steps: [step('refuse')] });
  const done = await stage.make(acme, { steps: [step('one')] });
  const live = await stage.make(acme, { steps: [step('wait')] });
  await stage.until(acme, ended.id, 'failed');
  await stage.until(acme, done.id, 'succeeded');
  const unknown = allocationOf(encodeId('tsk', newId()));
  const moved = allocationOf(ended.id);
  const [back, kept, unbound] = [allocationOf(ended.id), allocationOf(done.id), allocationOf(live.id, false)];
  const here = inventoryOf(unknown, back, kept, unbound, moved);
  const states = async () =>
    [await findings(back.id!), await findings(kept.id!), await findings(unknown.id!)].map((all) =>
      all.map(({ state }) => state),
    );
  await here.run('allocations', after(0));
  expect(here.asked).toEqual(['bind']);
  expect(await states()).toEqual([['suspect'], ['suspect'], ['suspect']]);
  // A second pass that comes too soon is no second sighting.
  await stage.db.app.unsafe(`update scan set finished_at = '2020-01-01' where name = 'test.allocations'`);
  await here.run('allocations', new Date(base + 50_000));
  expect(await states()).toEqual([['suspect'], ['suspect'], ['suspect']]);
  // What has changed meanwhile is seen for the first time.
  here.rows.set(moved.id!, { ...here.rows.get(moved.id!)!, version: 2 });
  await here.run('allocations', after(6));
  expect(here.asked.slice(1).toSorted()).toEqual(['confirm repairing', 'release repairing']);
  expect(await states()).toEqual([['resolved'], ['resolved'], ['open']]);
  expect((await findings(moved.id!)).map(({ state, seen }) => [state, seen])).toEqual([['suspect', 1]]);
  await here.run('allocations', after(12));
  expect(await findings(moved.id!)).toMatchObject([{ state: 'resolved' }]);
  expect(here.rows.get(unknown.id!)!.state).toBe('held');
  await here.run('allocations', after(18));
  expect(here.rows.get(unknown.id!)!.state).toBe('released');
  expect(await findings(unknown.id!)).toMatchObject([{ state: 'resolved', note: 'release by the reconciler' }]);
  expect(here.rows.get(unbound.id!)).toMatchObject({ state: 'held', boundTaskId: live.id });
});

test('a task whose allocation is gone is held until somebody has looked; what was seen once and is right again is forgotten', async () => {
  const mine = allocationOf('tsk_x');
  const bind = step('bind', { service: 'nett', action: 'port.wait' });
  const held = { ...bind, service: 'inventory', action: 'allocation.bind', undo: { action: 'allocation.release' } };
  const { id } = await stage.make(acme, { steps: [held], allocationId: mine.id });
  const here = inventoryOf();
  await here.run('holdings', after(30));
  here.rows.set(mine.id!, { state: 'held' } as Allocation);
  await here.run('holdings', after(36));
  expect(await findings(mine.id!)).toEqual([]);
  here.rows.clear();
  await here.run('holdings', after(42));
  expect(await stage.task.task.get(acme, { id })).not.toHaveProperty('hold');
  await here.run('holdings', after(48));
  expect(await stage.task.task.get(acme, { id })).toMatchObject({ state: 'running', hold: 'reconcile' });
  expect(await findings(mine.id!)).toMatchObject([{ kind: 'task.allocation_missing', state: 'open' }]);
});

test('a service that is silent is asked, a task that nothing is heard of is told to people, and a lane that counts wrong is counted anew', async () => {
  const scans = ownScans(stage.deps, stage.bus);
  const run = (name: string, at: Date) =>
    pass(
      scans.find((scan) => scan.name === name)!,
      at,
    );
  const slow = { ...quick, ackMs: 3_600_000, beatMs: 3_600_000, attemptMs: 3_600_000, totalMs: 90_000_000 };
  const { id } = await stage.make(acme, { steps: [step('wait', { policy: slow })] });
  const [op] = await eventually(async () => {
    const { items } = await stage.task.step.list(acme, { taskId: id });
    return items[0]?.state === 'accepted' ? items : undefined;
  }, 'the step to be accepted');
  await run('stale', after(10));
  expect(await findings(id)).toMatchObject([{ kind: 'task.stale', state: 'open' }]);
  // It has ended, and its answer was lost.
  nett.beSilent(true);
  await nett.end(op!.id, { kind: 'succeeded', data: { output: {} } });
  nett.beSilent(false);
  await run('silent', after(120));
  expect((await stage.task.task.get(acme, { id })).state).toBe('running');
  await stage.db.app.unsafe(`update step set unknowns = 3 where id = $1`, [decodeId('stp', op!.id)]);
  await run('silent', after(130));
  expect((await stage.task.task.get(acme, { id })).state).toBe('succeeded');
  await run('stale', after(20));
  expect(await findings(id)).toMatchObject([{ state: 'resolved', note: 'not seen again' }]);

  const tenant = decodeId('tnt', acme.scopes[0]!.tenantId!);
  const count = async () =>
    (await stage.db.platform.unsafe(`select queued, running from lane where tenant_id = $1`, [tenant]))[0];
  const right = await count();
  await stage.db.app.unsafe(`update lane set queued = queued + 3, running = 0 where tenant_id = $1`, [tenant]);
  await run('lanes', after(0));
  expect(await count()).toEqual(right);
});

test('a scan has one leader, is due at its time, and goes on where another process stopped', async () => {
  const seen: (string | undefined)[] = [];
  let dies = true;
  const scan: Scan = {
    name: 'probe',
    everyMs: 5 * minute,
    page: async ({ cursor }: Pass) => {
      seen.push(cursor);
      if (cursor === 'two' && dies) throw new Error('died');
      return { rows: 1, repaired: 0, next: cursor === undefined ? 'two' : cursor === 'two' ? 'three' : undefined };
    },
  };
  const leader = () => leadership(stage.db.app, 'task', { name: 'scan.probe', holdMs: 60_000 });
  const [one, two] = [leader(), leader()];
  await expect(runDue(stage.deps, scan, one, after(0))).rejects.toThrow('died');
  await runDue(stage.deps, scan, two, after(0));
  expect(seen).toEqual([undefined, 'two']);
  await one.release();
  dies = false;
  await runDue(stage.deps, scan, two, after(1));
  expect(seen).toEqual([undefined, 'two', 'two', 'three']);
  await runDue(stage.deps, scan, two, after(5));
  expect(seen).toHaveLength(4);
  await runDue(stage.deps, scan, two, after(7));
  expect(seen).toHaveLength(7);
  const [row] = await stage.db.platform.unsafe(`select rows::int as rows, cursor from scan where name = 'probe'`);
  expect(row).toEqual({ rows: 3, cursor: null });
});

const operator = { ...callerOf(9), readScope: { all: true as const } };

test('operators see what needs them and settle it once; nobody else does', async () => {
  const { finding, deadLetter } = stage.task;
  const [stale] = (await finding.list(operator, { kind: 'task.allocation_missing', state: ['open'] })).items;
  expect(stale).toMatchObject({ type: 'taskFinding', service: 'inventory', seen: 2, expected: { state: 'held' } });
  expect(await finding.accept(operator, { id: stale!.id, note: 'known' })).toMatchObject({ state: 'accepted' });
  expect(await finding.accept(operator, { id: stale!.id, note: 'again' })).toMatchObject({ note: 'known' });
  await expect(finding.resolve(operator, { id: stale!.id })).rejects.toMatchObject({ code: 'state-conflict' });
  for (const ask of [finding.list(acme, {}), finding.get(acme, { id: stale!.id }), deadLetter.list(acme, {})])
    await expect(ask).rejects.toMatchObject({ code: 'permission-denied' });

  // An undo that failed is sent once more with its task; what came and could not be taken in, once it can be.
  const { id } = await stage.make(acme, { steps: inARow(step('sticky'), step('refuse')) });
  await stage.until(acme, id, 'stuck');
  const [letter] = (await deadLetter.list(operator, { state: ['open'], origin: 'undo' })).items;
  expect(letter).toMatchObject({ taskId: id, error: { code: 'held_back' } });
  const waive = { id: letter!.id, note: 'gone' };
  await expect(deadLetter.discard(operator, waive)).rejects.toMatchObject({ code: 'state-conflict' });
  sticks = false;
  const redriven = await deadLetter.requeue(operator, { id: letter!.id });
  expect(redriven).toMatchObject({ state: 'redriven', resolvedBy: { id: operator.principal.id } });
  await stage.until(acme, id, 'failed');
  expect(await deadLetter.requeue(operator, { id: letter!.id })).toMatchObject({ state: 'redriven' });

  const waiting = await stage.make(acme, { steps: [step('wait')] });
  const [op] = await eventually(async () => {
    const { items } = await stage.task.step.list(acme, { taskId: waiting.id });
    return items[0]?.state === 'accepted' ? items : undefined;
  }, 'the step to be accepted');
  const answer = { kind: 'succeeded', data: { output: {} } } as const;
  await nett.repeat(op!.id, answer, { as: 'maskin', id: 'misled' });
  await stage.bus.publish([{ subject: `dv.rpl.v1.sentral.nett.${op!.id}`, id: 'torn', data: '{' }]);
  const letters = await eventually(async () => {
    const { items } = await deadLetter.list(operator, { state: ['open'], origin: 'inbox' });
    return items.length === 2 ? items : undefined;
  }, 'two letters');
  const [misled, torn] = ['misled', 'torn'].map((name) => letters.find(({ messageId }) => messageId === name)!);
  await expect(deadLetter.requeue(operator, { id: torn!.id })).rejects.toMatchObject({ code: 'state-conflict' });
  expect(await deadLetter.discard(operator, { id: torn!.id, note: 'torn' })).toMatchObject({ state: 'discarded' });
  await stage.db.app.unsafe(
    `update dead_letter set subject = replace(subject, '.maskin.', '.nett.') where message_id = 'misled'`,
  );
  expect(await deadLetter.requeue(operator, { id: misled!.id })).toMatchObject({ state: 'redriven' });
  await stage.until(acme, waiting.id, 'succeeded');
});
