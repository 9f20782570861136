import { journal } from '@sentral/contracts/services/journal';
import { aggregateOf } from '../../src/decide/begin.js';
import { decide } from '../../src/decide/decide.js';
import type { SentCommand } from '../../src/decide/decision.js';
import type { Plan, StepPlan } from '../../src/plan/plan.js';
import { bindStep, confirmStep } from '../../src/plan/plan.js';
import { violationsOf } from '../../src/plan/validate.js';
import { busOf, type Faults } from './bus.js';
import { answers as answersThatStand, embeddedOf, holdings, isEmbedded, type EmbeddedRules } from './embedded.js';
import { childStep, familyOf, familyRules, type FamilyRules } from './family.js';
import { judge, newWatch, type Watch } from './invariants.js';
import { clockFrom, randomOf, type Random } from './random.js';
import { sentralOf, type SentralRules } from './sentral.js';
import { serviceOf, type Outbound, type Reply, type ServiceRules } from './service.js';

export type Rules = SentralRules &
  ServiceRules &
  EmbeddedRules &
  FamilyRules & {
    /** How often scan T2 looks again; not needed by anything, so it is off unless a rule is taken out. */
    readonly scanMs: number | undefined;
  };

export const allRules: Rules = {
  decide,
  journal,
  inbox: true,
  idsNameAttempts: true,
  durableTimers: true,
  logsFirst: true,
  looks: true,
  resumes: true,
  honest: true,
  ahead: true,
  ...familyRules,
  scanMs: undefined,
};

const usual: Faults = { loss: 0.03, duplicate: 0.1, crash: 0.02 };
/** Every fourth saga has a very bad day. */
const harsh: Faults = { loss: 0.15, duplicate: 0.5, crash: 0.08 };
/** Ten times what the longest saga with all rules takes. */
const eventsMax = 20_000;

/** A random plan of five steps: needs, undo, pivots, waits, holds and steps that may fail without harm. */
function planOf(random: Random): Plan {
  const steps: StepPlan[] = [];
  const behindPivot = new Set<string>();
  for (let n = 0; n < 5; n += 1) {
    const needs = steps.filter(() => random.chance(0.45)).map(({ key }) => key);
    const late = needs.some((need) => behindPivot.has(need));
    const pivot = !late && n > 0 && random.chance(0.06);
    const key = `s${n}`;
    if (late || pivot) behindPivot.add(key);
    const wait = !late && !pivot && random.chance(0.05);
    const undo =
      late || wait || (pivot && random.chance(0.5))
        ? 'none'
        : random.chance(0.08)
          ? 'fence'
          : { action: 'thing.remove' };
    const failing = random.next();
    const step: StepPlan = {
      key,
      needs,
      kind: wait ? 'wait' : 'command',
      service: 'nett',
      action: wait ? 'go' : 'thing.make',
      contract: 1,
      // A third of the steps have bad luck more often.
      input: { luck: random.chance(0.3) ? 0.3 : 1, task: { $from: '/task/id' } },
      undo,
      pivot,
      onFailure: late || failing < 0.1 ? 'hold' : failing < 0.2 && !pivot ? 'continue' : 'unwind',
      policy: { effectsTrusted: random.chance(0.5) },
    };
    const child = typeof undo === 'object' && !pivot && random.chance(0.08);
    const computed = typeof undo === 'object' && !pivot && !child && random.chance(0.1);
    const asked = { service: 'sentral', action: 'removals.plan', undo: { action: 'answer.forget' } };
    steps.push(child ? { ...step, ...childStep(random) } : computed ? { ...step, ...asked } : step);
  }
  const plan = { kind: 'test.saga', kindVersion: 1, claims: [], holdings: [], steps };
  return random.chance(0.3) ? holding(plan) : plan;
}

/** The same with something that it holds: bound before all else, active in the end. */
function holding(plan: Plan): Plan {
  const own = { kind: 'command', contract: 1, input: {}, service: bindStep.service } as const;
  // What may fail without harm would take a step that needs it along.
  const before = plan.steps.filter(({ onFailure }) => onFailure !== 'continue').map(({ key }) => key);
  return {
    ...plan,
    holdings: [{ ref: 'allocation', kind: 'allocation' }],
    steps: [
      { ...own, key: 'bind', action: bindStep.action, undo: { action: 'allocation.release' } },
      ...plan.steps.map((step) => (step.needs?.length === 0 ? { ...step, needs: ['bind'] } : step)),
      {
        ...own,
        key: 'confirm',
        action: confirmStep.action,
        undo: 'none',
        onFailure: 'hold',
        needs: ['bind', ...before],
      },
    ],
  };
}

export interface Saga extends Watch {
  readonly state: string;
}

/** Plays one task to its end and lets all that is still under way come in. */
export function play(seed: number, rules: Rules = allRules): Saga {
  const random = randomOf(seed);
  const faults = seed % 4 === 0 ? harsh : usual;
  const clock = clockFrom(1_800_000_000_000);
  const plan = planOf(random);
  const wrong = violationsOf(plan, () => true);
  if (wrong.length > 0) throw new Error(`seed ${seed}: ${wrong.join(', ')}`);
  const on = newWatch();
  const commands = busOf<SentCommand>(clock, random, faults, (command) => serverOf(command).take(command));
  /** Whose step it is: the parent's are named by their keys, a child's by its id and theirs. */
  const ownerOf = (stepId: string) => family.members.find(({ id }) => stepId.startsWith(`${id}/`))?.sentral ?? sentral;
  const replies = busOf<Reply>(clock, random, faults, (reply) => ownerOf(reply.stepId).take(reply));
  const begin = (of: Plan, watch: Watch, { id, ended }: { id: string; ended?: () => void }) =>
    sentralOf({
      clock,
      random,
      faults,
      rules,
      aggregate: aggregateOf(of, {
        id,
        input: {},
        stepId: (key) => (of === plan ? key : `${id}/${key}`),
      }),
      publish: (message) => commands.publish(message),
      describe: (op) => family.describe(op),
      watch,
      ...(ended === undefined ? {} : { ended }),
    });
  const sentral = begin(plan, on, { id: 'task' });
  const answers: Outbound = {
    reply: (reply) =>
      replies.publish({ id: `${reply.stepId}:${reply.direction}:${reply.attempt}:${reply.answer.kind}`, body: reply }),
    beat: (beat) => ownerOf(beat.stepId).beat(beat),
  };
  const service = serviceOf(clock, random, faults, rules, answers);
  const [held, standing] = [holdings(), answersThatStand()];
  const inventory = embeddedOf(clock, random, faults, rules, { ...answers, world: held });
  // Nothing of theirs is there before the step.
  const functions = embeddedOf(clock, random, faults, { ...rules, ahead: false }, { ...answers, world: standing });
  const serverOf = (command: SentCommand) =>
    isEmbedded(command) ? inventory : ({ task: family, sentral: functions }[command.service] ?? service);
  const family = familyOf(clock, random, faults, rules, {
    ...answers,
    parentEnded: () => sentral.ended(),
    begin: (of, id, watch) => {
      const child = begin(of, watch, { id, ended: () => family.ended(id.slice(0, id.indexOf('/'))) });
      clock.after(random.between(0, 5_000), () => admit(child));
      patrol(child, 120_000, () => operate(child));
      return child;
    },
  });

  const actor = { type: 'user', id: 'u' };
  const within = (probability: number, act: () => void): void => {
    if (random.chance(probability)) clock.after(random.between(1, 20_000), act);
  };
  // The admission worker comes back while a queued task is held.
  const admit = (task: typeof sentral): void => {
    task.ask({ on: 'admitted' });
    if (task.aggregate().task.state === 'queued') clock.after(5_000, () => admit(task));
  };
  clock.after(random.between(0, 500), () => admit(sentral));
  within(0.25, () => sentral.ask({ on: 'cancel', actor }));
  if (random.chance(0.1)) sentral.setDeadline(random.between(500, 60_000));
  within(0.1, () => {
    // Nobody lets go of what is not held yet: an ask that got lost is asked again first.
    const resume = (): void => clock.after(random.between(1_000, 600_000), () => sentral.ask({ on: 'resume', actor }));
    sentral.ask({ on: 'hold', actor }, resume);
  });
  within(0.1, () => {
    sentral.paused.add('nett');
    clock.after(random.between(1_000, 600_000), () => {
      sentral.paused.clear();
      sentral.ask({ on: 'reconciled' });
    });
  });
  const waits = plan.steps.filter(({ kind }) => kind === 'wait');
  for (const { key } of waits)
    clock.after(random.between(1, 30_000), () => sentral.ask({ on: 'signal', id: key, name: 'go', data: {} }));

  function patrol(task: typeof sentral, everyMs: number, act: () => void): void {
    clock.after(everyMs, () => {
      if (task.ended()) return;
      act();
      if (clock.now() < 1_800_000_000_000 + 20 * 86_400_000) patrol(task, everyMs, act);
    });
  }
  patrol(sentral, 120_000, () => operate(sentral));
  if (rules.scanMs !== undefined) patrol(sentral, rules.scanMs, () => sentral.ask({ on: 'reconciled' }));

  function operate(sentral: ReturnType<typeof begin>): void {
    const { task, steps } = sentral.aggregate();
    if (task.state !== 'stuck') return;
    const failedUndo = steps.find(({ undoState }) => undoState === 'failed');
    const failed = steps.find(
      (step) =>
        step.state === 'failed' &&
        step.undoState === 'idle' &&
        step.error?.class !== undefined &&
        !(step.onFailure === 'continue' && step.error.class !== 'invalid'),
    );
    const luck = random.next();
    if (luck < 0.06) sentral.ask({ on: 'abandon', actor, note: 'left as it is' });
    else if (failedUndo !== undefined) {
      const stepId = failedUndo.id;
      sentral.ask(luck < 0.15 ? { on: 'waive', actor, stepId, note: 'gone by hand' } : { on: 'retry', actor, stepId });
    } else if (failed !== undefined && luck < 0.7) sentral.ask({ on: 'retry', actor, stepId: failed.id });
    else sentral.ask({ on: 'unwind', actor, note: 'the world is to be as before' });
  }

  if (!clock.run(eventsMax)) on.violations.add('never settled');
  const world = new Map([...service.world, ...held.count(), ...standing.count()]);
  judge(on, sentral.aggregate(), world, service.doubles);
  family.judge(on, sentral.aggregate(), world, service.doubles);
  return { ...on, state: sentral.aggregate().task.state };
}

export interface Tally {
  readonly runs: number;
  /** How many sagas broke each invariant. */
  readonly violations: Readonly<Record<string, number>>;
  readonly states: Readonly<Record<string, number>>;
  readonly firstSeeds: Readonly<Record<string, number>>;
  readonly stats: Watch['stats'];
}

/** Plays so many sagas and counts; no more than it takes to see `until` violated. */
export function tally(
  runs: number,
  rules: Rules = allRules,
  { played = () => undefined, until }: { played?: (seeds: number) => void; until?: string } = {},
): Tally {
  const violations: Record<string, number> = {};
  const states: Record<string, number> = {};
  const firstSeeds: Record<string, number> = {};
  const stats: Watch['stats'] = { commands: 0, succeededSteps: 0, undos: 0, stuck: 0, retried: 0 };
  for (let seed = 1; seed <= runs; seed += 1) {
    const saga = play(seed, rules);
    states[saga.state] = (states[saga.state] ?? 0) + 1;
    for (const what of saga.violations) {
      violations[what] = (violations[what] ?? 0) + 1;
      firstSeeds[what] ??= seed;
    }
    for (const key of Object.keys(stats) as (keyof typeof stats)[]) stats[key] += saga.stats[key];
    played(seed);
    if (until !== undefined && until in violations) break;
  }
  return { runs, violations, states, firstSeeds, stats };
}
