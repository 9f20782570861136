import { backoffMs, bindStep, confirmStep, isStepOf, patienceMs } from '../plan/plan.js';
import { resolve, type Json } from '../plan/template.js';
import { isClosed, isInFlight, isMoving, isPassedOver, isTerminal, type StepError } from './aggregate.js';
import { beginUnwinding } from './backward.js';
import {
  attemptTimers,
  clearTimers,
  closeAttempt,
  endTask,
  find,
  moveForward,
  scopeOf,
  setTimer,
  stepTimers,
  type Draft,
  type DraftStep,
} from './draft.js';

// The forward direction of a step (task.md 4.2) and what it means for the task (4.1).

/** A command that sits somewhere longer than its sender waits is worth nothing; clocks of services differ by less than this. */
const expirySlackMs = 30_000;
/** So many silences in a row, and the service is asked instead of only told again. */
const describeAfterUnknowns = 3;

type Failure = Omit<StepError, 'step'>;

/** Whether the task may not be unwound any more: past its pivot, or not known to be before it. */
export function isPastPivot(draft: Draft): boolean {
  return draft.steps.some(
    (step) =>
      step.pivot &&
      // A pivot that cannot be undone may have happened as soon as it is out and nobody has said that it did not.
      (step.state === 'succeeded' || (step.undo === 'none' && (isInFlight(step.state) || step.tainted))),
  );
}

function maySend(draft: Draft, step: DraftStep): boolean {
  const { task, context } = draft;
  if (task.state !== 'running' || task.hold !== null) return false;
  if (step.kind === 'wait') return true;
  if (context.paused.has(step.service)) return false;
  return !(step.destructive && step.state === 'ready') || draft.authorized.has(step.id);
}

/** Sends the next attempt. */
function dispatch(draft: Draft, step: DraftStep): void {
  if (step.input === undefined) {
    const input = resolve(step.inputTemplate, scopeOf(draft));
    if (!input.ok) {
      failStep(draft, step, { class: 'invalid', code: 'template_unresolved', message: input.reason });
      return;
    }
    step.input = input.value;
  }
  const { now } = draft.context;
  const fresh = step.state === 'ready';
  step.attempt += 1;
  step.dispatchedAt = now;
  step.acceptedAt = null;
  if (step.kind === 'wait') {
    moveForward(draft, step, 'accepted');
    setTimer(draft, step, 'do', 'total', step.policy.totalMs);
    consumeSignal(draft, step);
    return;
  }
  moveForward(draft, step, 'dispatched');
  const waits = patienceMs(step.policy, step.unknowns);
  setTimer(draft, step, 'do', 'ack', waits);
  if (fresh) setTimer(draft, step, 'do', 'total', step.policy.totalMs);
  const { id: stepId, attempt, service, action, contract, input } = step;
  draft.opened.push({ stepId, direction: 'do', attempt });
  const of = { action, input };
  draft.commands.push({
    stepId,
    direction: 'do',
    attempt,
    service,
    action,
    contract,
    input,
    of,
    expiresAt: now + waits + expirySlackMs,
  });
}

function consumeSignal(draft: Draft, step: DraftStep): void {
  const signal = draft.signals.find(({ name }) => name === step.action);
  if (signal === undefined) return;
  draft.signals = draft.signals.filter(({ id }) => id !== signal.id);
  draft.signalsConsumed.push({ id: signal.id, by: step.id });
  succeedStep(draft, step, signal.data);
}

export function acceptStep(draft: Draft, step: DraftStep, instance: string | undefined): void {
  moveForward(draft, step, 'accepted');
  step.acceptedAt = draft.context.now;
  step.unknowns = 0;
  if (instance !== undefined) step.holder = instance;
  clearTimers(draft, step.id, 'do', ['ack']);
  // Children do not beat, and run as long as their deadline, their parent's or people let them.
  if (step.kind === 'child') clearTimers(draft, step.id, 'do', ['total']);
  else setTimer(draft, step, 'do', 'beat', step.policy.beatMs);
  setTimer(draft, step, 'do', 'attempt', step.policy.attemptMs);
}

export function succeedStep(draft: Draft, step: DraftStep, output: Json): void {
  closeAttempt(draft, step, 'do', 'succeeded');
  moveForward(draft, step, 'succeeded');
  step.output = output;
  step.error = null;
  step.unknowns = 0;
  step.progress = 100;
  step.finishedAt = draft.context.now;
  clearTimers(draft, step.id, 'do', stepTimers);
  if (isStepOf(step, bindStep)) draft.holdings = 'bound';
  if (isStepOf(step, confirmStep)) draft.holdings = 'active';
}

/** A service has said that the current attempt failed. */
export function failAttempt(
  draft: Draft,
  step: DraftStep,
  failure: Failure & { readonly effects: 'none' | 'unknown'; readonly retryAfterMs?: number | undefined },
): void {
  const { class: kind, code, message, effects, retryAfterMs } = failure;
  closeAttempt(draft, step, 'do', 'failed', { class: kind, code });
  if (!(effects === 'none' && step.policy.effectsTrusted)) step.tainted = true;
  step.unknowns = 0;
  if (kind !== 'throttled') step.tries += 1;
  if (kind === 'conflict') step.conflicts += 1;
  const { retry } = step.policy;
  const ends =
    kind === 'permanent' ||
    kind === 'invalid' ||
    step.tries >= retry.attemptsMax ||
    (kind === 'conflict' && step.conflicts >= retry.conflictsMax);
  if (ends) failStep(draft, step, { class: kind, code, message });
  else waitForRetry(draft, step, kind === 'throttled' ? retryAfterMs : undefined);
}

/** Nobody has said anything in time: what became of the attempt is unknown, which is not the same as failed (D4). */
export function loseAttempt(draft: Draft, step: DraftStep, code: string): void {
  closeAttempt(draft, step, 'do', 'timeout', { class: 'unknown', code });
  step.tainted = true;
  step.unknowns += 1;
  step.tries += 1;
  if (step.unknowns >= describeAfterUnknowns) draft.describe.push(step.id);
  if (step.tries >= step.policy.retry.attemptsMax)
    failStep(draft, step, { class: 'unknown', code, message: 'No attempt was answered in time.' });
  else waitForRetry(draft, step);
}

function waitForRetry(draft: Draft, step: DraftStep, afterMs?: number): void {
  moveForward(draft, step, 'retry_wait');
  clearTimers(draft, step.id, 'do', attemptTimers);
  const { retry } = step.policy;
  setTimer(draft, step, 'do', 'retry', afterMs ?? backoffMs(retry, Math.max(1, step.tries), draft.context.jitter));
}

/** The retry timer has fired. */
export function retryStep(draft: Draft, step: DraftStep): void {
  if (maySend(draft, step)) {
    dispatch(draft, step);
    return;
  }
  // It waits for what holds it, and the clock of the whole step waits with it.
  moveForward(draft, step, 'ready');
  clearTimers(draft, step.id, 'do', stepTimers);
}

/** The step has failed for good; the task unwinds, goes on without it, or waits for people. */
export function failStep(draft: Draft, step: DraftStep, failure: Failure): void {
  const { task } = draft;
  closeAttempt(draft, step, 'do', 'timeout', { class: 'unknown', code: failure.code });
  moveForward(draft, step, 'failed');
  step.error = { ...failure, step: step.key };
  step.finishedAt = draft.context.now;
  clearTimers(draft, step.id, 'do', stepTimers);
  if (failure.class === 'invalid') find(draft, 'task.step_invalid', step.key);
  if (isPassedOver(step)) return;
  task.error ??= step.error;
  if (task.state !== 'running') return;
  if (failure.class === 'invalid' || step.onFailure === 'hold' || isPastPivot(draft)) task.state = 'stuck';
  else beginUnwinding(draft, 'step_failed');
}

/** Moves the forward direction as far as it goes without news. */
export function settleForward(draft: Draft): void {
  const { task, steps, byKey } = draft;
  for (const step of steps) {
    if (task.state !== 'running' && task.state !== 'stuck') return;
    if (step.state === 'blocked') {
      const needs = step.needs.map((key) => byKey.get(key)).filter((need) => need !== undefined);
      if (needs.some(isPassedOver)) moveForward(draft, step, 'skipped');
      else if (needs.every(({ state }) => state === 'succeeded' || state === 'skipped'))
        moveForward(draft, step, 'ready');
    }
    if (step.state === 'ready' && maySend(draft, step)) dispatch(draft, step);
    else if (step.kind === 'wait' && step.state === 'accepted') consumeSignal(draft, step);
  }
  if (task.state !== 'running') return;
  if (steps.every(isClosed)) succeedTask(draft);
  else if (!steps.some(({ state }) => isMoving(state))) task.state = 'stuck';
}

function succeedTask(draft: Draft): void {
  const { task, steps } = draft;
  for (const step of steps)
    if (isPassedOver(step) && step.tainted && step.undo !== 'none') find(draft, 'task.leftover', step.key);
  if (task.outputTemplate !== null) {
    const output = resolve(task.outputTemplate, scopeOf(draft));
    if (output.ok) task.output = output.value;
    else find(draft, 'task.output_unresolved');
  }
  endTask(draft, 'succeeded');
}

/** Whether a person may send this step again: it failed, nothing was built on that, and no undo has begun. */
export function mayRetryForward(draft: Draft, step: DraftStep): boolean {
  return step.state === 'failed' && step.undoState === 'idle' && !isPassedOver(step) && !isTerminal(draft.task.state);
}
