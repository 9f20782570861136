import type { ProblemCode } from '@sentral/contracts/problem';
import type { Answer, Direction, FailureClass } from '@sentral/contracts/services/message';
import type { Json } from '../plan/template.js';
import type { Aggregate, StepRow, TaskRow } from './aggregate.js';

/** What the decider may not find out itself. */
export interface Context {
  /** now() of the transaction, in milliseconds. */
  readonly now: number;
  /** From [0, 1), drawn once for the decision. */
  readonly jitter: number;
  /** Services whose gate is closed: nothing is sent to them, their answers count. */
  readonly paused: ReadonlySet<string>;
}

export type TimerKind = 'ack' | 'beat' | 'attempt' | 'total' | 'retry' | 'deadline' | 'wake';

export interface TimerKey {
  /** A step, or the task itself. */
  readonly ownerId: string;
  readonly direction: Direction;
  readonly kind: TimerKind;
}
export interface Timer extends TimerKey {
  readonly attempt: number;
  readonly dueAt: number;
}

export interface Actor {
  readonly type: string;
  readonly id: string;
}

/** What people ask for: cancel, hold, resume and signal are the tenant's, the rest is the operators'. */
export type HumanCommand =
  | { readonly on: 'cancel' | 'hold' | 'resume'; readonly actor: Actor; readonly note?: string }
  | { readonly on: 'retry'; readonly actor: Actor; readonly stepId: string; readonly note?: string }
  | { readonly on: 'unwind'; readonly actor: Actor; readonly note?: string }
  | { readonly on: 'waive'; readonly actor: Actor; readonly stepId: string; readonly note: string }
  | { readonly on: 'abandon'; readonly actor: Actor; readonly note: string };

export interface ReplyInput {
  readonly on: 'reply';
  readonly stepId: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly answer: Answer;
}

export type Input =
  | { readonly on: 'admitted' }
  | ReplyInput
  | {
      readonly on: 'beat';
      readonly stepId: string;
      readonly direction: Direction;
      readonly attempt: number;
      readonly progress?: number | undefined;
      readonly note?: string | undefined;
      readonly instance?: string | undefined;
    }
  | ({ readonly on: 'timer'; readonly attempt: number } & TimerKey)
  | { readonly on: 'signal'; readonly id: string; readonly name: string; readonly data: Json }
  /** Tenancy's word about a destructive step that is ready. */
  | { readonly on: 'authorized'; readonly stepId: string; readonly allowed: boolean; readonly note?: string }
  /** The parent is taken back, or a sibling has failed: this child is not wanted any more. */
  | { readonly on: 'revoked' }
  /** What it stands on is not as it should be: nothing more is sent before somebody has looked. */
  | { readonly on: 'doubted'; readonly note: string }
  /** Looks again; `lost` names commands without the timer that should wait for them (scan T1). */
  | { readonly on: 'reconciled'; readonly lost?: readonly { readonly stepId: string; readonly direction: Direction }[] }
  | HumanCommand;

export interface SentCommand {
  readonly stepId: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly service: string;
  /** Absent: leave the tombstone only. */
  readonly action?: string;
  readonly contract: number;
  readonly input: Json;
  /** What the step was asked, for an undo. */
  readonly of: { readonly action: string; readonly input: Json };
  /** Only of a `do`. */
  readonly expiresAt?: number;
}

export type AttemptOutcome = 'succeeded' | 'undone' | 'failed' | 'timeout' | 'superseded' | 'fenced';
export interface ClosedAttempt {
  readonly stepId: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  readonly class?: FailureClass | 'unknown';
  readonly code?: string;
}

export interface TaskEvent {
  /** = version of the task after the change. */
  readonly seq: number;
  readonly type: string;
  readonly step?: string;
  readonly data: {
    readonly steps: readonly Transition[];
    readonly code?: string;
    readonly note?: string;
  };
  readonly actor?: Actor;
}
export interface Transition {
  readonly step: string;
  readonly direction: Direction;
  readonly from: string;
  readonly to: string;
  readonly attempt: number;
}

export type FindingKind =
  | 'task.step_invalid'
  | 'task.undo_failed'
  | 'task.leftover'
  | 'task.late_effect'
  | 'task.deadline_past_pivot'
  | 'task.output_unresolved';

export interface Decision {
  /**
   * `applied`: write all of it. `quiet`: bookkeeping only, no version and no event. `stale`: what came was overtaken.
   * `ignored`: it changes nothing here. `refused`: a person asked for what the state does not allow.
   */
  readonly outcome: 'applied' | 'quiet' | 'stale' | 'ignored' | 'refused';
  readonly refusal?: { readonly code: ProblemCode; readonly detail: string };
  readonly task: Partial<TaskRow>;
  readonly steps: readonly { readonly id: string; readonly patch: Partial<StepRow> }[];
  readonly opened: readonly Pick<ClosedAttempt, 'stepId' | 'direction' | 'attempt'>[];
  readonly closed: readonly ClosedAttempt[];
  readonly timersSet: readonly Timer[];
  readonly timersClear: readonly TimerKey[];
  /** The task has ended: every timer of it and of its steps goes, every claim with them. */
  readonly ended: boolean;
  readonly commands: readonly SentCommand[];
  readonly event?: TaskEvent;
  /** The change has an audit record: the task's state changed, or a person asked for it. */
  readonly audited: boolean;
  readonly signalsConsumed: readonly { readonly id: string; readonly by: string }[];
  readonly holdings?: 'bound' | 'active' | 'released';
  readonly lane: { readonly queued: number; readonly running: number };
  /** Steps whose service is to be asked what became of them before more is sent (S9). */
  readonly describe: readonly string[];
  readonly deadLetters: readonly { readonly origin: 'undo'; readonly stepId: string; readonly code: string }[];
  readonly findings: readonly { readonly kind: FindingKind; readonly step?: string }[];
}

/** The aggregate as it is once the decision is written. */
export function apply(aggregate: Aggregate, decision: Decision): Aggregate {
  const patches = new Map(decision.steps.map(({ id, patch }) => [id, patch]));
  const consumed = new Set(decision.signalsConsumed.map(({ id }) => id));
  return {
    task: { ...aggregate.task, ...decision.task },
    steps: aggregate.steps.map((step) => {
      const patch = patches.get(step.id);
      return patch === undefined ? step : { ...step, ...patch };
    }),
    signals: aggregate.signals.filter(({ id }) => !consumed.has(id)),
  };
}
