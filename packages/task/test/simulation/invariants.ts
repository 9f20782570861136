import {
  isClosed,
  isInFlight,
  isTerminal,
  isUndone,
  laneOf,
  type Aggregate,
  type StepRow,
} from '../../src/decide/aggregate.js';
import type { Decision, Input } from '../../src/decide/decision.js';

/** What one saga has done so far, as one sees it from outside. */
export interface Watch {
  readonly violations: Set<string>;
  readonly findings: Set<string>;
  /** Attempts that are out and not closed. */
  readonly open: Set<string>;
  readonly stats: { commands: number; succeededSteps: number; undos: number; stuck: number; retried: number };
  /** A person has turned a task round past its pivot, and said why. */
  overridden: boolean;
}

export const newWatch = (): Watch => ({
  violations: new Set(),
  findings: new Set(),
  open: new Set(),
  stats: { commands: 0, succeededSteps: 0, undos: 0, stuck: 0, retried: 0 },
  overridden: false,
});

export interface Written {
  readonly before: Aggregate;
  readonly input: Input;
  readonly decision: Decision;
  readonly after: Aggregate;
  /** How many timer rows there are behind it. */
  readonly timers: number;
}

/** What must hold for each decision, reckoned here once more and in another way. */
export function watch(on: Watch, { before, input, decision, after, timers }: Written): void {
  const violated = (what: string): void => void on.violations.add(what);
  const { task, steps } = after;
  if (decision.outcome === 'applied') {
    if (task.version !== before.task.version + 1 || decision.event?.seq !== task.version) violated('version');
  } else if (task.version !== before.task.version || decision.event !== undefined) violated('version');
  if (task.stepsOpen !== steps.filter((step) => !isClosed(step)).length) violated('counters');
  if (task.undoOpen !== steps.filter((step) => step.undoState !== 'idle' && !isUndone(step.undoState)).length)
    violated('counters');
  if (
    isTerminal(before.task.state) &&
    Object.keys(decision.task).length + decision.steps.length + decision.commands.length > 0
  )
    violated('changed after its end');
  const room = (of: Aggregate) => Number(laneOf(of.task, of.steps) === 'running');
  if (decision.lane.running !== room(after) - room(before)) violated('lanes');
  if (isTerminal(task.state) && timers > 0) violated('timers after the end');
  if (isTerminal(task.state) !== (task.finishedAt !== null)) violated('terminal without its time');
  if ((task.state === 'failed' || task.state === 'cancelled') && task.cause === null) violated('no cause');
  if (input.on === 'unwind' && decision.outcome === 'applied') on.overridden = true;

  for (const { step: key, direction, from, to } of decision.event?.data.steps ?? []) {
    const step = before.steps.find((each) => each.key === key)!;
    if (direction === 'do' && to === 'succeeded') {
      on.stats.succeededSteps += 1;
      if (step.output !== undefined) violated('a step advanced twice');
    }
    if (from === 'succeeded' || (direction === 'undo' && isUndone(from as StepRow['undoState'])))
      violated('left a final state');
    if (to === 'retry_wait') on.stats.retried += 1;
  }
  for (const { stepId, direction, attempt } of decision.closed)
    if (!on.open.delete(`${stepId}:${direction}:${attempt}`)) violated('an attempt closed that was not open');
  for (const { stepId, direction, attempt } of decision.opened) {
    const step = before.steps.find(({ id }) => id === stepId)!;
    if (attempt !== (direction === 'do' ? step.attempt : step.undoAttempt) + 1) violated('attempts are not dense');
    on.open.add(`${stepId}:${direction}:${attempt}`);
  }
  for (const command of decision.commands) {
    on.stats.commands += 1;
    const step = after.steps.find(({ id }) => id === command.stepId)!;
    if (after.task.hold !== null || (before.task.hold !== null && input.on !== 'resume')) violated('sent while held');
    if (command.direction === 'do') {
      if (task.state === 'unwinding' || before.steps.some(({ undoState }) => undoState !== 'idle'))
        violated('a do after the first undo');
      for (const need of step.needs) {
        const needed = after.steps.find(({ key }) => key === need)!;
        if (needed.state !== 'succeeded' && needed.state !== 'skipped') violated('a do before what it needs');
      }
    } else {
      on.stats.undos += 1;
      for (const later of descendants(after, step.key))
        if (later.attempt > 0 && !isUndone(later.undoState)) violated('an undo before that of what was built on it');
    }
  }
  for (const each of steps)
    for (const [direction, state, attempt] of [
      ['do', each.state, each.attempt],
      ['undo', each.undoState, each.undoAttempt],
    ] as const)
      if (each.kind !== 'wait' && isInFlight(state) !== on.open.has(`${each.id}:${direction}:${attempt}`))
        violated('an attempt that is out is not the open one');
  if (task.state === 'stuck' && before.task.state !== 'stuck') on.stats.stuck += 1;
  for (const { kind, step } of decision.findings) on.findings.add(`${kind} ${step ?? ''}`);
}

function descendants({ steps }: Aggregate, key: string): readonly StepRow[] {
  const direct = steps.filter(({ needs }) => needs.includes(key));
  return direct.flatMap((step) => [step, ...descendants({ steps } as Aggregate, step.key)]);
}

/** What must hold once all is quiet: the world is as the task says. */
export function judge(
  on: Watch,
  { task, steps }: Aggregate,
  world: ReadonlyMap<string, number>,
  doubles: ReadonlySet<string>,
): void {
  const violated = (what: string): void => void on.violations.add(what);
  if (!isTerminal(task.state)) violated('never settled');
  if (doubles.size > 0) violated('double effects');
  for (const step of steps) {
    const effects = world.get(step.id) ?? 0;
    if (task.state === 'failed' || task.state === 'cancelled') {
      // An undo of a step that was sent for is owed, whatever its own state.
      if (effects > 0 && step.undo === 'action' && step.undoState !== 'waived') violated('orphaned effects');
      if (effects > 0 && step.pivot && step.undo === 'none' && !on.overridden) violated('unwound past its pivot');
    }
    if (task.state !== 'succeeded') continue;
    if (step.state === 'succeeded' && step.kind === 'command' && effects !== 1)
      violated('a success without its effect');
    const told = on.findings.has(`task.leftover ${step.key}`) || step.undo !== 'action';
    if (step.state !== 'succeeded' && effects > 0 && !told) violated('orphaned effects');
  }
}
