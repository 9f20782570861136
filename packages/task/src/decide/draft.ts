import type { Direction } from '@sentral/contracts/services/message';
import type { Json, Scope } from '../plan/template.js';
import {
  isClosed,
  isInFlight,
  isPassedOver,
  isTerminal,
  isUndone,
  laneOf,
  type Aggregate,
  type ForwardState,
  type SignalRow,
  type StepRow,
  type TaskRow,
  type UndoState,
} from './aggregate.js';
import type {
  Actor,
  AttemptOutcome,
  ClosedAttempt,
  Context,
  Decision,
  FindingKind,
  SentCommand,
  Timer,
  TimerKey,
  TimerKind,
  Transition,
} from './decision.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type DraftStep = Mutable<StepRow>;

/** One decision while it is being made: rows that may be written to, and what goes out with them. */
export interface Draft {
  readonly before: Aggregate;
  readonly context: Context;
  readonly task: Mutable<TaskRow>;
  readonly steps: readonly DraftStep[];
  readonly byId: ReadonlyMap<string, DraftStep>;
  readonly byKey: ReadonlyMap<string, DraftStep>;
  signals: readonly SignalRow[];
  /** Destructive steps that tenancy has just allowed. */
  readonly authorized: Set<string>;
  /** The last word about each timer: set, or cleared. */
  readonly timers: Map<string, Timer | TimerKey>;
  readonly transitions: Transition[];
  readonly opened: Mutable<Decision['opened'][number]>[];
  readonly closed: ClosedAttempt[];
  readonly commands: SentCommand[];
  readonly describe: string[];
  readonly deadLetters: Decision['deadLetters'][number][];
  readonly findings: Decision['findings'][number][];
  readonly signalsConsumed: Decision['signalsConsumed'][number][];
  holdings: Decision['holdings'];
  actor: Actor | undefined;
  note: string | undefined;
}

/** Begins a decision: everything is copied, nothing of the aggregate is written to. */
export function openDraft(before: Aggregate, context: Context): Draft {
  const steps = before.steps.map((step): DraftStep => ({ ...step }));
  return {
    before,
    context,
    task: { ...before.task },
    steps,
    byId: new Map(steps.map((step) => [step.id, step])),
    byKey: new Map(steps.map((step) => [step.key, step])),
    signals: before.signals,
    authorized: new Set(),
    timers: new Map(),
    transitions: [],
    opened: [],
    closed: [],
    commands: [],
    describe: [],
    deadLetters: [],
    findings: [],
    signalsConsumed: [],
    holdings: undefined,
    actor: undefined,
    note: undefined,
  };
}

const timerKeyOf = ({ ownerId, direction, kind }: TimerKey): string => `${ownerId} ${direction} ${kind}`;

/** Sets a timer for the current attempt of a step, so many milliseconds from now. */
export function setTimer(draft: Draft, step: DraftStep, direction: Direction, kind: TimerKind, inMs: number): void {
  const attempt = direction === 'do' ? step.attempt : step.undoAttempt;
  const timer = { ownerId: step.id, direction, kind, attempt, dueAt: draft.context.now + inMs };
  draft.timers.set(timerKeyOf(timer), timer);
}

export function clearTimers(draft: Draft, ownerId: string, direction: Direction, kinds: readonly TimerKind[]): void {
  for (const kind of kinds) draft.timers.set(timerKeyOf({ ownerId, direction, kind }), { ownerId, direction, kind });
}

/** Those that wait for an answer to one attempt. */
export const attemptTimers: readonly TimerKind[] = ['ack', 'beat', 'attempt'];
export const stepTimers: readonly TimerKind[] = [...attemptTimers, 'retry', 'total'];

export function moveForward(draft: Draft, step: DraftStep, to: ForwardState): void {
  draft.transitions.push({ step: step.key, direction: 'do', from: step.state, to, attempt: step.attempt });
  step.state = to;
}

export function moveUndo(draft: Draft, step: DraftStep, to: UndoState): void {
  draft.transitions.push({ step: step.key, direction: 'undo', from: step.undoState, to, attempt: step.undoAttempt });
  step.undoState = to;
}

/** Closes the attempt that is out, if one is and nobody has closed it yet. Call it before the state moves on. */
export function closeAttempt(
  draft: Draft,
  step: DraftStep,
  direction: Direction,
  outcome: AttemptOutcome,
  why: Pick<ClosedAttempt, 'class' | 'code'> = {},
): void {
  if (!isInFlight(direction === 'do' ? step.state : step.undoState)) return;
  const attempt = direction === 'do' ? step.attempt : step.undoAttempt;
  if (draft.closed.some((each) => each.stepId === step.id && each.direction === direction)) return;
  // A wait has no command: nobody was sent anything.
  if (step.kind !== 'wait') draft.closed.push({ stepId: step.id, direction, attempt, outcome, ...why });
}

export function find(draft: Draft, kind: FindingKind, step?: string): void {
  draft.findings.push({ kind, ...(step === undefined ? {} : { step }) });
}

/** What templates of this task may refer to. */
export function scopeOf(draft: Draft): Scope {
  return {
    taskId: draft.task.id,
    input: draft.task.input,
    outputOf: (key): Json | undefined => {
      const step = draft.byKey.get(key);
      if (step === undefined) return undefined;
      return step.state === 'skipped' || isPassedOver(step) ? null : step.output;
    },
  };
}

/** The task ends here. */
export function endTask(draft: Draft, state: 'succeeded' | 'failed' | 'cancelled' | 'abandoned'): void {
  draft.task.state = state;
  draft.task.finishedAt = draft.context.now;
  draft.task.hold = null;
  draft.task.holdNote = null;
}

/** Counts what is stored as counted, so that no path can forget it. */
function count(draft: Draft): void {
  const { task, steps } = draft;
  task.stepsOpen = steps.filter((step) => !isClosed(step)).length;
  task.undoOpen = steps.filter(({ undoState }) => undoState !== 'idle' && !isUndone(undoState)).length;
  task.pivotPassed = steps.some((step) => step.pivot && step.state === 'succeeded');
  const backward = steps.some(({ undoState }) => undoState !== 'idle');
  const done = (step: StepRow): number => {
    if (backward) return isUndone(step.undoState) ? 100 : 0;
    return isClosed(step) ? 100 : step.progress;
  };
  const weight = steps.reduce((sum, step) => sum + step.weight, 0);
  const reached = steps.reduce((sum, step) => sum + step.weight * done(step), 0);
  task.progress = weight === 0 ? task.progress : Math.floor(reached / weight);
}

/** Ends a decision: what differs from before is what is to be written. */
export function closeDraft(draft: Draft, wanted: 'applied' | 'quiet'): Decision {
  count(draft);
  const { before, task } = draft;
  const steps = draft.steps.flatMap((step, at) => {
    const patch = difference(before.steps[at] as StepRow, step);
    return patch === undefined ? [] : [{ id: step.id, patch }];
  });
  const stateChanged = task.state !== before.task.state;
  const said =
    stateChanged || draft.transitions.length > 0 || task.hold !== before.task.hold || draft.actor !== undefined;
  const nothing = steps.length === 0 && draft.timers.size === 0 && draft.findings.length === 0 && !said;
  const outcome = nothing ? 'ignored' : wanted === 'applied' && said ? 'applied' : 'quiet';
  const audited = outcome === 'applied' && (stateChanged || draft.actor !== undefined);
  if (outcome === 'applied') {
    task.version += 1;
    if (audited) task.auditVersion += 1;
  } else task.progress = before.task.progress;
  const ended = stateChanged && isTerminal(task.state);
  const timers = ended ? [] : [...draft.timers.values()];
  const [was, is] = [laneOf(before.task, before.steps), laneOf(task, draft.steps)];
  const moved = (which: 'queued' | 'running'): number => Number(is === which) - Number(was === which);
  return {
    ...emptyDecision,
    outcome,
    task: difference(before.task, task) ?? {},
    steps,
    opened: draft.opened,
    closed: draft.closed,
    timersSet: timers.filter((timer): timer is Timer => 'dueAt' in timer),
    timersClear: timers.filter((timer) => !('dueAt' in timer)),
    ended,
    commands: draft.commands,
    ...(outcome === 'applied' ? { event: eventOf(draft) } : {}),
    audited,
    signalsConsumed: draft.signalsConsumed,
    ...(draft.holdings === undefined ? {} : { holdings: draft.holdings }),
    lane: { queued: moved('queued'), running: moved('running') },
    describe: ended ? [] : draft.describe,
    deadLetters: draft.deadLetters,
    findings: draft.findings,
  };
}

function eventOf(draft: Draft): NonNullable<Decision['event']> {
  const { task, before, transitions, actor, note } = draft;
  const [first] = transitions;
  const held = task.hold === null ? 'task.resumed' : 'task.held';
  const type =
    task.state !== before.task.state
      ? `task.${task.state}`
      : task.hold !== before.task.hold
        ? held
        : first === undefined
          ? 'task.asked'
          : `step.${first.direction === 'undo' ? 'undo_' : ''}${first.to}`;
  const failed = draft.closed.find(({ code }) => code !== undefined);
  return {
    seq: task.version,
    type,
    ...(first === undefined ? {} : { step: first.step }),
    data: {
      steps: transitions,
      ...(failed?.code === undefined ? {} : { code: failed.code }),
      ...(note === undefined ? {} : { note }),
    },
    ...(actor === undefined ? {} : { actor }),
  };
}

/** A decision that writes nothing. */
export const emptyDecision: Decision = {
  outcome: 'ignored',
  task: {},
  steps: [],
  opened: [],
  closed: [],
  timersSet: [],
  timersClear: [],
  ended: false,
  commands: [],
  audited: false,
  signalsConsumed: [],
  lane: { queued: 0, running: 0 },
  describe: [],
  deadLetters: [],
  findings: [],
};

function difference<T extends object>(before: T, after: T): Partial<T> | undefined {
  let patch: Partial<T> | undefined;
  // Most rows are as they were, and this runs over every field of every row: no list of keys is made for it.
  for (const key in after) if (before[key] !== after[key]) (patch ??= {} as Partial<T>)[key] = after[key];
  return patch;
}
