import { stepFailure, stepService, type Job, type StepAction } from '@sentral/contracts/services/serve';
import { readCommand, subjects } from '@sentral/contracts/services/message';
import type { Description } from '@sentral/contracts/services/query';
import { consumeSteps } from '@sentral/kernel/bus/steps';
import type { Bus } from '@sentral/kernel/bus/port';
import type { Database } from '@sentral/kernel/database';
import { startLoop } from '@sentral/kernel/relay';
import * as v from 'valibot';
import { drawFrom, faultSchema, faultsOf, type FaultInput, type FaultKind } from './faults.js';
import { makeTables } from './schema.js';
import { actionsOf, type StandInName } from './services.js';
import { sendReplies, storeOf } from './store.js';
import { driftSchema, worldOf, type World } from './world.js';

export interface StandInOptions {
  readonly service: StandInName;
  /** Any database that it may make its schema in. */
  readonly db: Database;
  readonly bus: Bus;
  readonly seed?: number;
  /** How long work takes without a fault, between these two. */
  readonly workMs?: readonly [lowest: number, highest: number];
  /** Ends the process that this is. */
  readonly crash: () => void;
  readonly report?: (what: string, error?: unknown) => void;
}

export interface StandIn {
  readonly world: World;
  /** Hands a command over as the bus would. */
  take(data: string): Promise<'ack' | 'unreadable'>;
  describe(data: string): Promise<Description>;
  /** Asks for something to go wrong. */
  fault(fault: FaultInput): Promise<void>;
  /** The control call: a fault, a drift, `{ "clear": true }`, or nothing at all, which only looks. */
  control(data: string): Promise<string>;
  /** Settles when no work runs and every reply that is due has been sent. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

const controlSchema = v.strictObject({
  fault: v.optional(faultSchema),
  drift: v.optional(driftSchema),
  clear: v.optional(v.boolean()),
});

/** Where a stand-in takes its control call, on the bus. */
export const controlSubject = (service: StandInName): string => `dv.qry.v1.${service}.control`;

/** Starts a service in the small; what its schema holds from before goes on. One process at a time. */
export async function openStandIn(options: StandInOptions): Promise<StandIn> {
  const { service, db, bus, workMs = [0, 0], crash } = options;
  const report = options.report ?? (() => undefined);
  const draw = drawFrom(options.seed ?? 1);
  let dead = false;
  await makeTables(db, service);
  const world = worldOf(db, service);
  const faults = await faultsOf(db, service);

  /** A process that has ended does nothing more, and nothing of it ever settles. */
  function die(): Promise<never> {
    dead = true;
    crash();
    return new Promise<never>(() => undefined);
  }

  const misbehaving =
    <R>(action: string, way: (job: Job) => Promise<R>) =>
    async (job: Job): Promise<R> => {
      const take = (...kinds: readonly FaultKind[]) => faults.take(db, { kinds, action, draw: draw() });
      const delay = await take('delay');
      const [lowest, highest] = workMs;
      await pause(delay?.ms ?? lowest + draw() * (highest - lowest), job.signal);
      const refusal = await take('refuse');
      if (refusal !== undefined) {
        const effects = (await world.count(job.op)) === 0 ? 'none' : 'unknown';
        throw stepFailure({ class: refusal.class, code: refusal.code, message: 'as it was asked to', effects });
      }
      if ((await take('crash-before')) !== undefined) return die();
      const result = await way(job);
      return (await take('crash-after')) === undefined ? result : die();
    };
  const actions = Object.fromEntries(
    Object.entries<StepAction>(actionsOf(service, world)).map(([name, { run, takeBack, ...action }]) => [
      name,
      {
        ...action,
        ...(run === undefined ? {} : { run: misbehaving(name, run) }),
        ...(takeBack === undefined ? {} : { takeBack: misbehaving(name, takeBack) }),
      },
    ]),
  );

  const steps = stepService({
    service,
    actions,
    store: storeOf(db, service, { faults, draw, stored: () => sending.wake() }),
    beat: (beat) => bus.broadcast(subjects.beat(service, beat.stepid), JSON.stringify(beat)),
    report,
  });
  const sending = startLoop(() => sendReplies(db, service, bus), {
    pollMs: [20, 60],
    failed: (error) => report('replies could not be sent and will be again', error),
    ended: () => Promise.resolve(),
  });
  await steps.start();
  const take = async (data: string): Promise<'ack' | 'unreadable'> => {
    // The bus brings it again once nobody has answered for it.
    if (dead) return new Promise<never>(() => undefined);
    const read = readCommand(data);
    const action = read.ok ? (read.message.data.action ?? '') : '';
    if ((await faults.take(db, { kinds: ['deaf'], action, draw: draw() })) !== undefined) return 'ack';
    return steps.take(data);
  };
  const { describe } = steps;
  const commands = consumeSteps(bus, service, { on: { take, describe }, report: (reason) => report(reason) });
  const observing = bus.respond(subjects.observe(service, '*'), (data, subject) =>
    world.observe(subject.split('.').at(-1) ?? '', data),
  );
  const fault = (asked: FaultInput) => faults.insert(v.parse(faultSchema, asked));
  const control = async (data: string): Promise<string> => {
    const asked = v.parse(controlSchema, JSON.parse(data));
    if (asked.clear === true) await faults.clear();
    if (asked.fault !== undefined) await faults.insert(asked.fault);
    if (asked.drift !== undefined) await world.drift(asked.drift);
    const [waiting, things] = await Promise.all([
      db.unsafe(`select kind, action, reply, times from ${service}.fault where times > 0 order by id`),
      db.unsafe(`select resource, id, op, spec, state from ${service}.thing order by resource, id limit 1000`),
    ]);
    return JSON.stringify({ faults: waiting, things });
  };
  const controlling = bus.respond(controlSubject(service), control);
  await commands.ready;

  return {
    world,
    take,
    describe,
    fault,
    control,
    idle: async () => {
      await steps.idle();
      await sendReplies(db, service, bus);
    },
    stop: async () => {
      await Promise.all([commands.stop(), observing.stop(), controlling.stop()]);
      await Promise.all([dead ? undefined : steps.stop(), sending.stop()]);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
