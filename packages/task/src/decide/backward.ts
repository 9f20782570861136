import type { FailureClass } from '@sentral/contracts/services/message';
import { backoffMs, bindStep, isStepOf, patienceMs } from '../plan/plan.js';
import { resolve, type Json } from '../plan/template.js';
import { isInFlight, isMoving, isUndone, type Cause } from './aggregate.js';
import {
  attemptTimers,
  clearTimers,
  closeAttempt,
  endTask,
  find,
  moveForward,
  moveUndo,
  scopeOf,
  setTimer,
  stepTimers,
  type Draft,
  type DraftStep,
} from './draft.js';

// The backward direction (task.md 4.3): everything that was ever sent is taken back, in reverse order (D5).

/** Turns the task round: nothing more is sent forward, and every step that was sent waits for its undo. */
export function beginUnwinding(draft: Draft, cause: Cause): void {
  const { task } = draft;
  task.state = 'unwinding';
  task.cause = cause;
  clearTimers(draft, task.id, 'do', ['deadline']);
  for (const step of draft.steps) {
    giveUpForward(draft, step);
    step.unknowns = 0;
    moveUndo(draft, step, leavesNothing(draft, step) ? 'done' : 'pending');
  }
}

function giveUpForward(draft: Draft, step: DraftStep): void {
  if (step.attempt === 0 && (step.state === 'blocked' || step.state === 'ready')) {
    moveForward(draft, step, 'skipped');
    return;
  }
  if (!isMoving(step.state)) return;
  if (isInFlight(step.state)) step.tainted = true;
  closeAttempt(draft, step, 'do', 'superseded');
  moveForward(draft, step, 'failed');
  step.error ??= { class: 'unknown', code: 'superseded', message: 'The task was unwound.', step: step.key };
  clearTimers(draft, step.id, 'do', stepTimers);
}

function leavesNothing(draft: Draft, step: DraftStep): boolean {
  if (step.undo === 'none') return true;
  // The facade has bound what the task holds before this step was ever sent (task.md 12).
  if (draft.task.hasHoldings && isStepOf(step, bindStep)) return false;
  return step.attempt === 0 || (step.state === 'failed' && !step.tainted);
}

function maySend(draft: Draft, step: DraftStep): boolean {
  const { task, context } = draft;
  return task.state === 'unwinding' && task.hold === null && !context.paused.has(step.service);
}

function dispatchUndo(draft: Draft, step: DraftStep): void {
  const template = step.undoTemplate;
  const asked =
    step.input === undefined ? resolve(step.inputTemplate, scopeOf(draft)) : { ok: true as const, value: step.input };
  const input =
    template === null ? { ok: true as const, value: null as Json } : resolve(template.input, scopeOf(draft));
  if (!input.ok) {
    failUndo(draft, step, 'template_unresolved');
    return;
  }
  const fresh = step.undoState === 'ready';
  step.undoAttempt += 1;
  moveUndo(draft, step, 'dispatched');
  setTimer(draft, step, 'undo', 'ack', patienceMs(step.policy, step.unknowns));
  if (fresh) setTimer(draft, step, 'undo', 'total', step.policy.undo.totalMs);
  const { id: stepId, undoAttempt: attempt, service, contract } = step;
  draft.opened.push({ stepId, direction: 'undo', attempt });
  draft.commands.push({
    stepId,
    direction: 'undo',
    attempt,
    service,
    ...(template === null ? {} : { action: template.action }),
    contract,
    input: input.value,
    of: { action: step.action, input: asked.ok ? asked.value : null },
  });
}

export function acceptUndo(draft: Draft, step: DraftStep): void {
  moveUndo(draft, step, 'accepted');
  step.unknowns = 0;
  clearTimers(draft, step.id, 'undo', ['ack']);
  if (step.kind !== 'child') setTimer(draft, step, 'undo', 'beat', step.policy.beatMs);
  setTimer(draft, step, 'undo', 'attempt', step.policy.attemptMs);
}

export function finishUndo(draft: Draft, step: DraftStep): void {
  closeAttempt(draft, step, 'undo', 'undone');
  moveUndo(draft, step, 'done');
  clearTimers(draft, step.id, 'undo', stepTimers);
  if (isStepOf(step, bindStep)) draft.holdings = 'released';
}

/** A service could not take it back in this attempt. */
export function failUndoAttempt(
  draft: Draft,
  step: DraftStep,
  failure: { readonly class: FailureClass; readonly code: string; readonly retryAfterMs?: number | undefined },
): void {
  closeAttempt(draft, step, 'undo', 'failed', { class: failure.class, code: failure.code });
  step.unknowns = 0;
  if (failure.class === 'permanent' || failure.class === 'invalid') failUndo(draft, step, failure.code);
  else waitForRetry(draft, step, failure.class === 'throttled' ? failure.retryAfterMs : undefined);
}

export function loseUndoAttempt(draft: Draft, step: DraftStep, code: string): void {
  closeAttempt(draft, step, 'undo', 'timeout', { class: 'unknown', code });
  step.unknowns += 1;
  if (step.unknowns >= 3) draft.describe.push(step.id);
  waitForRetry(draft, step);
}

function waitForRetry(draft: Draft, step: DraftStep, afterMs?: number): void {
  moveUndo(draft, step, 'retry_wait');
  clearTimers(draft, step.id, 'undo', attemptTimers);
  const delay = afterMs ?? backoffMs(step.policy.undo, Math.max(1, step.undoAttempt), draft.context.jitter);
  setTimer(draft, step, 'undo', 'retry', delay);
}

export function retryUndo(draft: Draft, step: DraftStep): void {
  if (maySend(draft, step)) {
    dispatchUndo(draft, step);
    return;
  }
  moveUndo(draft, step, 'ready');
  clearTimers(draft, step.id, 'undo', stepTimers);
}

/** The undo needs a person; the other branches go on. */
export function failUndo(draft: Draft, step: DraftStep, code: string): void {
  closeAttempt(draft, step, 'undo', 'timeout', { class: 'unknown', code });
  moveUndo(draft, step, 'failed');
  clearTimers(draft, step.id, 'undo', stepTimers);
  draft.deadLetters.push({ origin: 'undo', stepId: step.id, code });
  find(draft, 'task.undo_failed', step.key);
}

/** Moves the backward direction as far as it goes without news. */
export function settleBackward(draft: Draft): void {
  const { task, steps } = draft;
  // Steps that something still stands on: from the last to the first, and through steps that have no undo of their own.
  const blocked = new Set<string>();
  for (const step of steps.toReversed()) {
    const free = !blocked.has(step.key);
    if (step.undoState === 'pending' && free) moveUndo(draft, step, 'ready');
    if (step.undoState === 'ready' && maySend(draft, step)) dispatchUndo(draft, step);
    if (!free || !isUndone(step.undoState)) for (const need of step.needs) blocked.add(need);
  }
  if (steps.every(({ undoState }) => isUndone(undoState)))
    endTask(draft, task.cause === 'cancelled' ? 'cancelled' : 'failed');
  else if (!steps.some(({ undoState }) => isMoving(undoState))) task.state = 'stuck';
}
