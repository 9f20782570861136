import { decodeId, encodeId } from '@sentral/contracts/ids';
import { createTelemetry, type Telemetry } from '@sentral/kernel/telemetry';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pulse } from '../src/index.js';
import { startService } from './shell/service.js';
import { callerOf, children, inARow, leftovers, openStage, quick, step, type Stage } from './shell/stage.js';

let stage: Stage;
const acme = callerOf(1);
/** Silence is what this is about: nothing fails for having been asked too often. */
const policy = { ...quick, beatMs: 1_500, totalMs: 60_000, retry: { initialMs: 40, capMs: 200, attemptsMax: 100 } };
const patient = (key: string, more: object = {}) => step(key, { policy, ...more });
const family = () => ({
  ...children('family', [[patient('k')], [patient('l')]], [[patient('nok')], [patient('nol')]]),
  policy: { ...policy, attemptMs: 1_000 },
});

beforeAll(async () => void (stage = await openStage()));
afterAll(() => stage.close());

/** What is left of a task and stays: a message goes after it was sent, and the answer to it may have ended the task by then. */
async function lastingly(taskId: string): Promise<string | undefined> {
  for (let looks = 0; ; looks += 1) {
    const left = await leftovers(stage.db.platform, taskId);
    if (Object.values(left).every((count) => count === 0)) return undefined;
    if (looks === 50) return JSON.stringify(left);
    await pause(100);
  }
}

type Death = 'loaded' | 'written' | 'committed';

/** Dies on every fourth passage of one border of the transaction; what it was doing is gone with it. */
function dyingAt(point: Death) {
  const deaths = { count: 0, passages: 0 };
  const pass = (): void => {
    deaths.passages += 1;
    if (deaths.passages % 4 !== 1) return;
    deaths.count += 1;
    throw new Error(`died when it had ${point}`);
  };
  const quiet = createTelemetry({ write: () => undefined });
  const spans: Readonly<Record<string, Death>> = { 'task.load': 'loaded', 'task.write': 'written' };
  const telemetry: Telemetry = {
    ...quiet,
    span: async (name, fields, work) => {
      const result = await quiet.span(name, fields, work);
      if (spans[name] === point) pass();
      return result;
    },
  };
  const pulse = (of: Pulse): Pulse => ({
    ...of,
    beat: (what) => {
      of.beat(what);
      if (point === 'committed') pass();
    },
  });
  return { deaths, telemetry, pulse };
}

test('processes that die at every border of their transactions, over a bus that loses, repeats and reorders, end every task right', async () => {
  const story = new Map<string, string[]>();
  const told = (op: string, what: string) => story.set(op, [...(story.get(op) ?? []), what]);
  const nett = startService(stage.bus, 'nett', {
    run: ({ action }, op) => {
      if (action.endsWith('.refuse'))
        return { kind: 'failed', data: { class: 'permanent', code: 'no', message: '', effects: 'unknown' } };
      told(op, action);
      return { kind: 'succeeded', data: { output: {} } };
    },
    takeBack: (op) => {
      told(op, 'undo');
      return { kind: 'undone', data: { found: true } };
    },
  });
  const deaths = (['loaded', 'written', 'committed'] as const).map(dyingAt);
  const faults = { loseDelivery: 0.02, repeatDelivery: 0.2, reorder: 0.2, delayMs: 20, losePublishAck: 0.1 };
  const processes = [...deaths, {}].map((more) => stage.process({ ...more, faults, repliesAtOnce: 4 }).start());

  const plans = [
    { wants: 'succeeded', steps: inARow(patient('a'), patient('b'), patient('c')) },
    { wants: 'failed', steps: inARow(patient('a'), patient('b'), patient('refuse')) },
    { wants: 'cancelled', steps: inARow(patient('a'), patient('b'), patient('c'), patient('d')) },
    { wants: 'succeeded', steps: [patient('a'), patient('b'), patient('c', { needs: ['a', 'b'] })] },
    { wants: 'succeeded', steps: inARow(patient('a'), family(), patient('b')) },
    { wants: 'cancelled', steps: inARow(family(), patient('a'), patient('b')) },
  ];
  const tasks = await Promise.all(
    Array.from({ length: 36 }, async (_, at) => {
      const { wants, steps } = plans[at % plans.length]!;
      const { id } = await stage.make(acme, { steps, resource: `net_${at}` });
      if (wants === 'cancelled') await pause(at * 10);
      if (wants === 'cancelled') await stage.task.task.cancel(acme, { id }).catch(() => undefined);
      return { id, wants };
    }),
  );
  const states = await Promise.all(
    tasks.map(async ({ id, wants }) => {
      const { state } = await stage.until(acme, id, 'succeeded', 'failed', 'cancelled', 'stuck');
      // Who cancels a task that is through already is told so.
      return { state, wants: wants === 'cancelled' && state === 'succeeded' ? 'succeeded' : wants };
    }),
  );
  expect(states.filter(({ state, wants }) => state !== wants)).toEqual([]);
  for (const { deaths: died } of deaths) expect(died.count).toBeGreaterThan(0);

  const wrong: string[] = [];
  const rows = (await stage.db.platform.unsafe(
    `select id, state, parent_step_id as op, parent_place as place from task`,
  )) as unknown as readonly { id: string; state: string; op: string | null; place: string | null }[];
  for (const { id: uuid, state } of rows) {
    const id = encodeId('tsk', uuid);
    const left = await lastingly(uuid);
    if (left !== undefined) wrong.push(`${id} left ${left}`);
    const [row] = await stage.db.platform.unsafe(
      `select t.version::int as version, (select count(*) from event where task_id = t.id)::int as events,
         (select count(*) from feed where resource_id = t.id)::int as facts, t.audit_version::int as "auditVersion",
         (select count(*) from feed where resource_id = t.id and audit is not null)::int as audited
       from task t where t.id = $1`,
      [uuid],
    );
    const { version, events, facts, auditVersion, audited } = row as Record<string, number>;
    if (version !== events || version !== facts || auditVersion !== audited)
      wrong.push(`${id}: ${JSON.stringify(row)}`);
    const { items } = await stage.task.step.list(acme, { taskId: id });
    for (const { id: op, key } of items) {
      const done = story.get(op)?.filter((what) => what !== 'undo').length ?? 0;
      if (done > 1) wrong.push(`${id} ${key}: done ${done} times`);
      const there = nett.world.has(op);
      const wanted = items.find((each) => each.id === op)!.kind === 'command' && state === 'succeeded';
      if (there !== wanted) wrong.push(`${id} ${key}: its effect is${there ? '' : ' not'} there`);
      const made = rows.filter((each) => each.op === decodeId('stp', op));
      const ends = made.filter((each) => each.state === 'succeeded').map(({ place }) => place!.split(':', 2).join(':'));
      for (const kid of [0, 1].filter(() => made.length > 0)) {
        const [done, undone] = [ends.filter((end) => end === `do:${kid}`), ends.filter((end) => end === `undo:${kid}`)];
        if (state === 'succeeded' && done.length !== 1)
          wrong.push(`${id} ${key}: ${kid} was done ${done.length} times`);
        if (state !== 'succeeded' && done.length !== undone.length) wrong.push(`${id} ${key}: ${kid} is still there`);
      }
      if (made.some((each) => !['succeeded', 'cancelled', 'failed'].includes(each.state)))
        wrong.push(`${id} ${key}: a child outlived it`);
    }
  }
  expect(wrong).toEqual([]);
  const { items } = await stage.task.invariant.list({ ...acme, readScope: { all: true } }, {});
  expect(items.filter(({ violations }) => violations > 0)).toEqual([]);
  await Promise.all([nett.stop(), ...processes.map(({ stop }) => stop())]);
}, 40_000);

test('a task of which two workers hear at once hears everything once', async () => {
  const processes = [stage.process(), stage.process()].map((each) => each.start());
  const nett = startService(stage.bus, 'maskin', { run: () => 'hold' });
  const steps = Array.from({ length: 6 }, (_, at) => patient(`s${at}`, { service: 'maskin', policy: {} }));
  const { id } = await stage.make(acme, { steps });
  const list = async () => (await stage.task.step.list(acme, { taskId: id })).items;
  while ((await list()).some(({ state }) => state !== 'accepted')) await pause(20);
  const before = (await stage.task.task.get(acme, { id })).version;
  // Six ends, each said three times, all at once and to every process.
  await Promise.all(
    (await list()).flatMap(({ id: op }) =>
      [1, 2, 3].map(() => nett.repeat(op, { kind: 'succeeded', data: { output: { op } } })),
    ),
  );
  const ended = await stage.until(acme, id, 'succeeded');
  expect(ended.version).toBe(before + 6);
  await Promise.all([nett.stop(), ...processes.map(({ stop }) => stop())]);
}, 20_000);

test('what cannot be read, or is said by somebody else, is a letter to a person and changes nothing', async () => {
  const running = stage.start();
  const nett = startService(stage.bus, 'objekt', { run: () => 'hold' });
  const { id } = await stage.make(acme, { steps: [patient('one', { service: 'objekt', policy: {} })] });
  const [first] = (await stage.task.step.list(acme, { taskId: id })).items;
  const subject = (service: string) => `dv.rpl.v1.sentral.${service}.${first!.id}`;
  while (!nett.rows.has(first!.id)) await pause(20);
  const { version } = await stage.task.task.get(acme, { id });
  await stage.bus.publish([{ subject: subject('objekt'), id: 'nonsense', data: '{' }]);
  await nett.repeat(first!.id, { kind: 'succeeded', data: { output: {} } }, { as: 'nett', id: 'foreign' });
  const letters = async () =>
    stage.db.platform.unsafe(
      `select message_id as id, error ->> 'reason' as reason from dead_letter where origin = 'inbox' order by 1`,
    );
  while ((await letters()).length < 2) await pause(20);
  expect([...(await letters())]).toEqual([
    { id: 'foreign', reason: 'nett does not serve this step' },
    { id: 'nonsense', reason: 'not JSON' },
  ]);
  const after = await stage.task.task.get(acme, { id });
  expect([after.state, after.version - version <= 1]).toEqual(['running', true]);
  await Promise.all([nett.stop(), running.stop()]);
}, 20_000);
