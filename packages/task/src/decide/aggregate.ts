import type { FailureClass } from '@sentral/contracts/services/message';
import type { Policy } from '../plan/plan.js';
import type { Json, Template } from '../plan/template.js';

// The rows of one task as the decider sees them. Times are milliseconds of the database's clock.

export type TaskStateName =
  | 'queued'
  | 'running'
  | 'unwinding'
  | 'stuck'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'abandoned';
export type Cause = 'step_failed' | 'cancelled' | 'deadline' | 'operator' | 'dependency';
export type Hold = 'operator' | 'policy' | 'reconcile';

export interface TaskRow {
  readonly id: string;
  readonly state: TaskStateName;
  readonly cause: Cause | null;
  /** No state: while it is set answers are applied and nothing new is sent. */
  readonly hold: Hold | null;
  readonly holdNote: string | null;
  readonly version: number;
  readonly auditVersion: number;
  readonly stepsTotal: number;
  readonly stepsOpen: number;
  readonly undoOpen: number;
  readonly pivotPassed: boolean;
  readonly progress: number;
  readonly note: string | null;
  readonly input: Json;
  readonly outputTemplate: Template | null;
  readonly output: Json | null;
  readonly error: StepError | null;
  readonly hasHoldings: boolean;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** `unknown` is concluded here, from silence; a service never says it. */
export interface StepError {
  readonly class: FailureClass | 'unknown';
  readonly code: string;
  readonly message: string;
  readonly step: string;
}

export type ForwardState =
  | 'blocked'
  | 'ready'
  | 'dispatched'
  | 'accepted'
  | 'retry_wait'
  | 'succeeded'
  | 'failed'
  | 'skipped';
export type UndoState =
  | 'idle'
  | 'pending'
  | 'ready'
  | 'dispatched'
  | 'accepted'
  | 'retry_wait'
  | 'done'
  | 'failed'
  | 'waived';

export interface StepRow {
  readonly id: string;
  readonly key: string;
  /** In the order of the needs: a step stands behind all that it needs. */
  readonly ordinal: number;
  readonly kind: 'command' | 'wait' | 'child';
  readonly service: string;
  readonly action: string;
  readonly contract: number;
  readonly undo: 'action' | 'fence' | 'none';
  readonly undoTemplate: { readonly action: string; readonly input: Template } | null;
  readonly pivot: boolean;
  readonly destructive: boolean;
  readonly onFailure: 'unwind' | 'hold' | 'continue';
  readonly weight: number;
  readonly policy: Policy;
  readonly inputTemplate: Template;
  /** Frozen at attempt 1: every retry sends the same bytes. */
  readonly input: Json | undefined;
  readonly output: Json | undefined;
  readonly error: StepError | null;
  readonly state: ForwardState;
  readonly undoState: UndoState;
  readonly needs: readonly string[];
  /** Some attempt may have left effects. */
  readonly tainted: boolean;
  readonly attempt: number;
  readonly undoAttempt: number;
  /** Silences in a row. */
  readonly unknowns: number;
  /** What counts against `attemptsMax`: every end of an attempt but `throttled`. */
  readonly tries: number;
  readonly conflicts: number;
  readonly dispatchedAt: number | null;
  readonly acceptedAt: number | null;
  readonly beatAt: number | null;
  readonly finishedAt: number | null;
  readonly holder: string | null;
  readonly progress: number;
  readonly note: string | null;
}

export interface SignalRow {
  readonly id: string;
  readonly name: string;
  readonly data: Json;
}

export interface Aggregate {
  readonly task: TaskRow;
  /** By ordinal. */
  readonly steps: readonly StepRow[];
  /** Those that no step has consumed, the oldest first. */
  readonly signals: readonly SignalRow[];
}

const terminalStates: readonly TaskStateName[] = ['succeeded', 'failed', 'cancelled', 'abandoned'];
export const isTerminal = (state: TaskStateName): boolean => terminalStates.includes(state);

/** A command is out and not answered. */
export const isInFlight = (state: ForwardState | UndoState): boolean => state === 'dispatched' || state === 'accepted';

/** It can still change by itself, or as soon as it may be sent. */
export const isMoving = (state: ForwardState | UndoState): boolean =>
  state === 'ready' || state === 'retry_wait' || isInFlight(state);

/** Failed, and the plan goes on without it. What a service calls invalid is never passed over. */
export const isPassedOver = (step: StepRow): boolean =>
  step.state === 'failed' && step.onFailure === 'continue' && step.error?.class !== 'invalid';

/** Nothing forward is left to do for this step. */
export const isClosed = (step: StepRow): boolean =>
  step.state === 'succeeded' || step.state === 'skipped' || isPassedOver(step);

export const isUndone = (state: UndoState): boolean => state === 'done' || state === 'waived';

/**
 * What a lane counts the task as. One that is stuck waits for people and takes no room, and neither does one that waits for its
 * children only: parents that fill a lane would keep their own children out of it for ever. It comes back without asking, as after
 * a retry, and nobody else is let in until there is room again.
 */
export function laneOf({ state }: TaskRow, steps: readonly StepRow[]): 'queued' | 'running' | undefined {
  if (state === 'queued') return 'queued';
  if (state !== 'running' && state !== 'unwinding') return undefined;
  const way = (step: StepRow): ForwardState | UndoState => (state === 'running' ? step.state : step.undoState);
  const busy = steps.some(
    (step) =>
      way(step) === 'dispatched' || way(step) === 'retry_wait' || (way(step) === 'accepted' && step.kind === 'command'),
  );
  const ofChildren = steps.some((step) => step.kind === 'child' && way(step) === 'accepted');
  return busy || !ofChildren ? 'running' : undefined;
}
