import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { parseContent } from '@sentral/contracts/validation';
import { loopbackBroker, openLoopback, type LoopbackFaults } from '@sentral/kernel/bus/loopback';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry, type Telemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase } from '@sentral/testing';
import { setTimeout as pause } from 'node:timers/promises';
import { inject } from 'vitest';
import * as v from 'valibot';
import { createPulse, createTask, createTaskLoops, workflow, type Deps, type Pulse } from '../../src/index.js';
import type { PolicyPlan, StepPlan } from '../../src/plan/plan.js';

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
export const tenantOf = (n: number) => encodeId('tnt', uuid(n));

/** A caller of one tenant, in its environment. */
export function callerOf(n: number, changes: Partial<Caller> = {}): Caller {
  const [tenantId, prj, env] = [tenantOf(n), encodeId('prj', uuid(n + 1000)), encodeId('env', uuid(n + 2000))];
  const row = { tenantId, state: 'active' as const, version: 1 };
  return {
    principal: { id: `usr_${n}`, type: 'user' },
    accessEpoch: 1,
    readScope: { tenantIds: [tenantId], projectIds: [], environmentIds: [] },
    scopes: [
      { id: tenantId, parentId: 'platform', kind: 'tenant', ...row },
      { id: prj, parentId: tenantId, kind: 'project', ...row },
      { id: env, parentId: prj, kind: 'environment', ...row },
    ],
    ...changes,
  };
}
export const scopeIdOf = (caller: Caller) => caller.scopes.at(-1)!.id;

const inputSchema = v.strictObject({
  steps: v.pipe(v.array(v.any()), v.minLength(1)),
  allocationId: v.optional(v.string()),
  resource: v.optional(v.string()),
  watches: v.optional(v.string()),
  deadlineMs: v.optional(v.number()),
});

/** A plan as the test gives it, beside a holding and a claim where it names them. */
export const free = workflow({
  kind: 'test.free',
  kindVersion: 1,
  summary: 'What the test says.',
  permission: 'task.task.signal',
  input: inputSchema,
  scheduled: (wanted) => parseContent(inputSchema, wanted, '/input'),
  plan: ({ steps, allocationId, resource, watches, deadlineMs }) => ({
    claims: [
      ...(resource === undefined ? [] : [{ resource, mode: 'exclusive' as const }]),
      ...(watches === undefined ? [] : [{ resource: watches, mode: 'observe' as const }]),
    ],
    holdings: allocationId === undefined ? [] : [{ ref: allocationId, kind: 'allocation' }],
    steps: steps as StepPlan[],
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    output: { last: { $from: `/steps/${(steps.at(-1) as StepPlan).key}/output` } },
  }),
});

export const quick: PolicyPlan = {
  ackMs: 400,
  beatMs: 2_000,
  attemptMs: 5_000,
  totalMs: 20_000,
  retry: { initialMs: 40, capMs: 200 },
  undo: { initialMs: 40, capMs: 200 },
};

export const step = (key: string, changes: Partial<StepPlan> = {}): StepPlan => ({
  key,
  kind: 'command',
  service: 'nett',
  action: `port.${key}`,
  contract: 1,
  input: {},
  undo: { action: `port.un${key}` },
  policy: quick,
  ...changes,
});

/** A step whose work are tasks of these steps; `back` are those that take the ones of the same index back. */
export const children = (key: string, plans: readonly StepPlan[][], back: readonly StepPlan[][] = []): StepPlan => {
  const tasks = (of: readonly StepPlan[][]) => of.map((steps) => ({ kind: 'test.free', input: { steps } })) as never;
  const undo = { action: 'child.cancel', input: { tasks: tasks(back) } };
  return step(key, { kind: 'child', service: 'task', action: 'child.run', input: { tasks: tasks(plans) }, undo });
};

/** Each needs the one before it. */
export const inARow = (...steps: readonly StepPlan[]): StepPlan[] =>
  steps.map((each, at) => ({ ...each, ...(at === 0 ? {} : { needs: [steps[at - 1]!.key] }) }));

/**
 * A plan is kept as long as its connection: what joins what it is given to a table must never be planned as for a table that is empty.
 * Refuses such a statement outside of a transaction by key.
 */
async function judgeSettings(adminUrl: string): Promise<void> {
  const admin = openDatabase({ url: adminUrl, applicationName: 'task-shell-judge', poolSize: 1 });
  await admin.unsafe(`create function public.by_key_alone() returns trigger language plpgsql as $$
    begin
      if current_query() ~ 'jsonb_' and current_setting('plan_cache_mode') <> 'force_generic_plan' then
        raise exception 'not by key: %', current_query();
      end if;
      return null;
    end $$`);
  for (const table of ['task', 'step', 'attempt', 'timer', 'event'])
    await admin.unsafe(
      `create trigger by_key_alone after insert or update or delete on task.${table} for each statement execute function public.by_key_alone()`,
    );
  await admin.close();
}

/** A database, a bus and one process with the loops of task. */
export async function openStage() {
  const place = await createTestDatabase(inject('postgresUrl'));
  await judgeSettings(place.adminUrl);
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'task-shell-test', poolSize: 12, acquireTimeoutMs: 15_000 });
  const db = { app: as('task_app'), read: as('task_read'), platform: as('task_platform') };
  const broker = loopbackBroker(7);
  const bus = openLoopback({ broker });
  const lines: string[] = [];
  const telemetry = createTelemetry({ level: 'warn', write: (line) => void lines.push(line) });
  const running: (() => Promise<unknown>)[] = [];

  /** One more process; `telemetry` may play its death at a span. */
  function process(
    more: {
      telemetry?: Telemetry;
      pulse?: (of: Pulse) => Pulse;
      mayStill?: () => boolean;
      faults?: LoopbackFaults;
      /** Few, where several processes are to have some. */
      repliesAtOnce?: number;
    } = {},
  ) {
    const deps: Deps = {
      db,
      newId,
      telemetry: more.telemetry ?? telemetry,
      pulse: more.pulse?.(createPulse()) ?? createPulse(),
    };
    const mine = more.faults === undefined ? bus : openLoopback({ broker, faults: more.faults });
    const registry = { workflows: [free], knows: () => true };
    const task = createTask(deps, { ...registry, results: true });
    const start = () => {
      const loops = createTaskLoops(deps, {
        bus: mine,
        mayStill: async () => more.mayStill?.() ?? true,
        registry,
        ...(more.repliesAtOnce === undefined ? {} : { repliesAtOnce: more.repliesAtOnce }),
      });
      const stop = () => Promise.all(loops.map((loop) => loop.stop()));
      running.push(stop);
      return { stop };
    };
    return { deps, task, start };
  }

  const main = process();
  return {
    ...main,
    place,
    db,
    bus,
    broker,
    lines,
    process,
    make: (caller: Caller, input: object, more: object = {}) =>
      main.task.task.create(caller, { kind: 'test.free', input, scopeId: scopeIdOf(caller), ...more }),
    async until(caller: Caller, id: string, ...states: readonly string[]) {
      return eventually(
        async () => {
          const found = await main.task.task.get(caller, { id });
          return states.includes(found.state) ? found : undefined;
        },
        `${id} to be ${states.join(' or ')}`,
      );
    },
    async close() {
      await Promise.all(running.map((stop) => stop()));
      await bus.close();
      await Promise.all(Object.values(db).map((each) => each.close()));
      await place.drop();
    },
  };
}
export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const until = Date.now() + 25_000; Date.now() < until; await pause(15)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

/** What may be left of a task that has ended: nothing but its story. */
export async function leftovers(db: Database, taskId: string): Promise<Record<string, number>> {
  const [row] = await db.unsafe(
    `select (select count(*) from timer where task_id = $1)::int as timers,
       (select count(*) from claim where task_id = $1 and active)::int as claims,
       (select count(*) from outbox where aggregate = $1::text)::int as messages,
       (select count(*) from attempt a join step s on s.id = a.step_id where s.task_id = $1 and a.finished_at is null)::int as attempts,
       (select count(*) from holding where task_id = $1 and state in ('held', 'bound'))::int as holdings`,
    [taskId],
  );
  return row as Record<string, number>;
}
