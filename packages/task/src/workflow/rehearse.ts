import { journal, type JournalInput, type Operation } from '@sentral/contracts/services/journal';
import type { Answer, Direction } from '@sentral/contracts/services/message';
import { describeOperation, replyOf } from '@sentral/contracts/services/query';
import { isTerminal, type StepRow } from '../decide/aggregate.js';
import { aggregateOf } from '../decide/begin.js';
import { decide } from '../decide/decide.js';
import { apply, type Input, type SentCommand, type Timer } from '../decide/decision.js';
import { bindStep, confirmStep, isStepOf, type Plan } from '../plan/plan.js';
import type { Json } from '../plan/template.js';
import { violationsOf, type Knows } from '../plan/validate.js';

/** What may go wrong at a step (task.md 16.3). */
export const faultKinds = ['twice', 'fail', 'undo-twice', 'cancel', 'timeout', 'lost-reply', 'late-success'] as const;
export interface Fault {
  readonly kind: (typeof faultKinds)[number];
  /** The key of the step that it hits. */
  readonly step: string;
}

interface Rehearsal {
  readonly state: string;
  readonly pivotPassed: boolean;
  /** Whether the fault has happened, at its step. */
  readonly hit: boolean;
  /** Keys of the steps whose effect is there. */
  readonly effects: readonly string[];
  /** Effects that were made while they were there. */
  readonly doubles: readonly string[];
  readonly commands: readonly SentCommand[];
  readonly output: Json;
}

const actor = { type: 'user', id: 'rehearsal' };

/**
 * Plays a plan to its end with the real decider and the real rules of services, which do as they are asked but for one fault.
 * What a test of a workflow is made of: nothing of it runs in a deployment.
 */
export function rehearse(
  plan: Plan,
  use: { input: Json; knows: Knows; output: (command: SentCommand) => Json; fault?: Fault },
): Rehearsal {
  const { fault } = use;
  const wrong = violationsOf(plan, use.knows);
  if (wrong.length > 0) throw new Error(`the plan of ${plan.kind} is not valid: ${wrong.join('; ')}`);
  let aggregate = aggregateOf(plan, { id: 'task', input: use.input, stepId: (key) => key });
  let now = 1_800_000_000_000;
  let hit = false;
  const queue: { readonly at: number; readonly act: () => void }[] = [];
  const timers = new Map<string, Timer>();
  const rows = new Map<string, Operation>();
  // What is held was bound by the facade before any step.
  const effects = new Set(aggregate.steps.filter(isBind).map(({ id }) => id));
  const doubles: string[] = [];
  const commands: SentCommand[] = [];
  const late: Input[] = [];
  const sent = new Map<string, SentCommand>();

  const after = (ms: number, act: () => void): void => void queue.push({ at: now + ms, act });
  /** Once, at the step that the fault is for. */
  const strikes = (kind: Fault['kind'], step: string): boolean => {
    if (hit || fault?.kind !== kind || fault.step !== step) return false;
    hit = true;
    return true;
  };
  const stepOf = (id: string): StepRow => {
    const step = aggregate.steps.find((each) => each.id === id);
    if (step === undefined) throw new Error(`no step ${id}`);
    return step;
  };

  function give(input: Input): void {
    const decision = decide(aggregate, input, { now, jitter: 1, paused: new Set() });
    aggregate = apply(aggregate, decision);
    for (const key of decision.timersClear) timers.delete(keyOf(key));
    for (const timer of decision.timersSet) {
      timers.set(keyOf(timer), timer);
      after(timer.dueAt - now, () => fire(timer));
    }
    if (decision.ended) timers.clear();
    for (const command of decision.commands) {
      commands.push(command);
      after(1, () => deliver(command));
    }
    for (const stepId of decision.describe)
      after(1, () => {
        const known = replyOf(describeOperation(rows.get(stepId)));
        if (known !== undefined) give({ on: 'reply', stepId, ...known });
      });
    for (const { id, destructive, state } of aggregate.steps)
      if (destructive && state === 'ready') after(1, () => give({ on: 'authorized', stepId: id, allowed: true }));
  }

  function fire(timer: Timer): void {
    if (timers.get(keyOf(timer)) !== timer) return;
    timers.delete(keyOf(timer));
    const { ownerId, direction, kind, attempt } = timer;
    give({ on: 'timer', ownerId, direction, kind, attempt });
  }

  function deliver(command: SentCommand): void {
    const { stepId: op, direction, attempt, contract, input, action } = command;
    if (direction === 'do' && strikes('timeout', op)) return;
    if (direction === 'do' && strikes('cancel', op)) give({ on: 'cancel', actor });
    sent.set(op, command);
    const take = (): void =>
      direction === 'do'
        ? commit(op, { on: 'do', op, attempt, work: { action: action ?? '', contract, input }, expired: false })
        : commit(op, {
            on: 'undo',
            op,
            attempt,
            ...(action === undefined ? {} : { work: { action, contract, input } }),
            ahead: isBind(stepOf(op)),
          });
    take();
    const again = direction === 'do' ? 'twice' : 'undo-twice';
    if (fault?.kind === again && fault.step === op) after(2, take);
  }

  function commit(op: string, input: JournalInput): void {
    const { row, acts } = journal(rows.get(op), input);
    if (row !== undefined) rows.set(op, row);
    for (const act of acts) {
      if (act.act === 'reply') after(1, () => reply(op, act));
      else if (act.act === 'run') after(5, () => run(op));
      else if (act.act === 'takeBack') after(5, () => takeBack(op));
    }
  }

  function run(op: string): void {
    if (strikes('fail', op)) {
      const data = { class: 'permanent', code: 'refused', message: '', effects: 'none' } as const;
      return commit(op, { on: 'ran', end: { kind: 'failed', data } });
    }
    // What carries the op is looked for before it is made.
    if (!effects.has(op)) effects.add(op);
    else if (rows.get(op)?.state === 'done') doubles.push(op);
    // The process dies behind the effect, and the next one begins the work again.
    if (strikes('twice', op)) return after(1, () => commit(op, { on: 'boot' }));
    const command = sent.get(op);
    if (command === undefined) throw new Error(`nothing was asked of ${op}`);
    commit(op, { on: 'ran', end: { kind: 'succeeded', data: { output: use.output(command) } } });
  }

  function takeBack(op: string): void {
    const found = effects.delete(op);
    // What was confirmed is the same allocation.
    if (isBind(stepOf(op)))
      for (const step of aggregate.steps) if (isStepOf(step, confirmStep)) effects.delete(step.id);
    if (fault?.kind === 'undo-twice' && fault.step === op && !takenTwice) {
      takenTwice = true;
      return after(1, () => commit(op, { on: 'boot' }));
    }
    commit(op, { on: 'tookBack', end: { kind: 'undone', data: { found } } });
  }
  let takenTwice = false;

  function reply(stepId: string, said: { direction: Direction; attempt: number; answer: Answer }): void {
    const { direction, attempt, answer } = said;
    const input: Input = { on: 'reply', stepId, direction, attempt, answer };
    if (answer.kind === 'succeeded') {
      if (strikes('lost-reply', stepId)) return;
      if (strikes('late-success', stepId)) {
        late.push(input);
        return give({ on: 'cancel', actor });
      }
    }
    give(input);
    if (answer.kind === 'succeeded' && strikes('undo-twice', stepId)) give({ on: 'cancel', actor });
  }

  give({ on: 'admitted' });
  for (let events = 0; queue.length > 0 && events < 10_000; events += 1) {
    queue.sort((a, b) => a.at - b.at);
    const next = queue.shift();
    if (next === undefined) break;
    now = next.at;
    next.act();
    if (queue.length === 0 && isTerminal(aggregate.task.state)) for (const input of late.splice(0)) give(input);
  }
  return {
    state: aggregate.task.state,
    pivotPassed: aggregate.task.pivotPassed,
    hit,
    effects: aggregate.steps.filter(({ id }) => effects.has(id)).map(({ key }) => key),
    doubles,
    commands,
    output: aggregate.task.output,
  };
}

const isBind = (step: StepRow): boolean => isStepOf(step, bindStep);

const keyOf = ({ ownerId, direction, kind }: Pick<Timer, 'ownerId' | 'direction' | 'kind'>): string =>
  `${ownerId} ${direction} ${kind}`;
