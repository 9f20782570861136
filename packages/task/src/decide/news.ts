import type { Direction } from '@sentral/contracts/services/message';
import type { Json } from '../plan/template.js';
import { isInFlight, isTerminal } from './aggregate.js';
import {
  acceptUndo,
  beginUnwinding,
  failUndo,
  failUndoAttempt,
  finishUndo,
  loseUndoAttempt,
  retryUndo,
} from './backward.js';
import type { Input, ReplyInput } from './decision.js';
import { clearTimers, find, setTimer, type Draft, type DraftStep } from './draft.js';
import { acceptStep, failAttempt, failStep, isPastPivot, loseAttempt, retryStep, succeedStep } from './forward.js';

// What services and clocks say. Each function tells whether it was news: `stale` was overtaken by a newer attempt, `ignored`
// means nothing where the task stands now, `quiet` changes what is known of a step and nothing of its task (docs/adr/0022).

export type News = 'news' | 'quiet' | 'stale' | 'ignored';

export function takeReply(draft: Draft, reply: ReplyInput): News {
  const step = draft.byId.get(reply.stepId);
  if (step === undefined) return 'ignored';
  return reply.direction === 'do' ? takeForwardReply(draft, step, reply) : takeUndoReply(draft, step, reply);
}

function takeForwardReply(draft: Draft, step: DraftStep, { attempt, answer }: ReplyInput): News {
  const { state } = draft.task;
  // A number that was never given out comes from another history of this database; nothing may be built on it.
  if (attempt > step.attempt) return 'ignored';
  if (isTerminal(state) && state !== 'succeeded') {
    // Its undo is behind it, or was waived: somebody must look (task.md 15, 21 and 29).
    if (answer.kind === 'succeeded' && step.state !== 'succeeded') find(draft, 'task.late_effect', step.key);
    return 'stale';
  }
  if (state !== 'running' && !(state === 'stuck' && step.undoState === 'idle')) return 'ignored';
  const waiting = isInFlight(step.state) || step.state === 'retry_wait';
  const current = attempt === step.attempt;
  switch (answer.kind) {
    case 'accepted':
      if (!current || step.state !== 'dispatched') return 'stale';
      acceptStep(draft, step, answer.data.instance);
      return 'quiet';
    case 'succeeded':
      // A success is a fact about the operation, whichever attempt tells it.
      if (!waiting) return 'stale';
      succeedStep(draft, step, answer.data.output as Json);
      return 'news';
    case 'failed': {
      const final = answer.data.class === 'permanent' || answer.data.class === 'invalid';
      if (!current || !(isInFlight(step.state) || (final && waiting))) return 'stale';
      failAttempt(draft, step, answer.data);
      return 'news';
    }
    case 'fenced':
      if (answer.data.by === 'newer_attempt' || !current || !waiting) return 'stale';
      // Somebody has undone it, and it was not this task as it is known here.
      failAttempt(draft, step, {
        class: 'permanent',
        code: 'fenced',
        message: 'The step was undone before.',
        effects: 'unknown',
      });
      return 'news';
    case 'undone':
    case 'undo_failed':
      return 'ignored';
  }
}

function takeUndoReply(draft: Draft, step: DraftStep, { attempt, answer }: ReplyInput): News {
  if (attempt > step.undoAttempt || isTerminal(draft.task.state)) return 'ignored';
  const waiting = isInFlight(step.undoState) || step.undoState === 'retry_wait';
  const current = attempt === step.undoAttempt;
  switch (answer.kind) {
    case 'accepted':
      if (!current || step.undoState !== 'dispatched') return 'stale';
      acceptUndo(draft, step);
      return 'quiet';
    case 'undone':
      if (!waiting) return 'stale';
      finishUndo(draft, step);
      return 'news';
    case 'undo_failed': {
      const final = answer.data.class === 'permanent' || answer.data.class === 'invalid';
      if (!current || !(isInFlight(step.undoState) || (final && waiting))) return 'stale';
      failUndoAttempt(draft, step, answer.data);
      return 'news';
    }
    case 'succeeded':
    case 'failed':
    case 'fenced':
      return 'ignored';
  }
}

export function takeBeat(draft: Draft, beat: Input & { on: 'beat' }): News {
  const step = draft.byId.get(beat.stepId);
  if (step === undefined || step.kind !== 'command' || isTerminal(draft.task.state)) return 'ignored';
  const state = beat.direction === 'do' ? step.state : step.undoState;
  if (state !== 'accepted' || beat.attempt !== (beat.direction === 'do' ? step.attempt : step.undoAttempt))
    return 'stale';
  const { now } = draft.context;
  // One row a third of the beat at most, however fast a service beats.
  if (step.beatAt !== null && now - step.beatAt < step.policy.beatMs / 3) return 'ignored';
  step.beatAt = now;
  if (beat.direction === 'do' && beat.progress !== undefined) step.progress = Math.floor(beat.progress);
  if (beat.note !== undefined) step.note = beat.note;
  if (beat.instance !== undefined) step.holder = beat.instance;
  setTimer(draft, step, beat.direction, 'beat', step.policy.beatMs);
  return 'quiet';
}

export function takeTimer(draft: Draft, timer: Input & { on: 'timer' }): News {
  const { task } = draft;
  if (isTerminal(task.state)) return 'ignored';
  if (timer.ownerId === task.id) return timer.kind === 'deadline' ? passDeadline(draft) : 'ignored';
  const step = draft.byId.get(timer.ownerId);
  if (step === undefined) return 'ignored';
  const forward = timer.direction === 'do';
  const state = forward ? step.state : step.undoState;
  const current = timer.attempt === (forward ? step.attempt : step.undoAttempt);
  switch (timer.kind) {
    case 'ack':
    case 'beat':
    case 'attempt':
      if (!current || state !== (timer.kind === 'ack' ? 'dispatched' : 'accepted') || step.kind === 'wait')
        return 'stale';
      if (step.kind === 'child' && timer.kind === 'attempt') return askAfter(draft, step, timer.direction);
      (forward ? loseAttempt : loseUndoAttempt)(draft, step, `${timer.kind}_timeout`);
      return 'news';
    case 'retry':
      if (!current || state !== 'retry_wait') return 'stale';
      (forward ? retryStep : retryUndo)(draft, step);
      return 'news';
    case 'total':
      // It counts from the first attempt and over all of them.
      if (!isInFlight(state) && state !== 'retry_wait') return 'stale';
      if (forward) endOfPatience(draft, step);
      else failUndo(draft, step, 'undo_timeout');
      return 'news';
    case 'deadline':
    case 'wake':
      return 'ignored';
  }
}

/** Children take their time: an answer that got lost is asked for, and nothing is counted against them. */
function askAfter(draft: Draft, step: DraftStep, direction: Direction): News {
  draft.describe.push(step.id);
  setTimer(draft, step, direction, 'attempt', step.policy.attemptMs);
  return 'quiet';
}

function endOfPatience(draft: Draft, step: DraftStep): void {
  if (isInFlight(step.state) && step.kind !== 'wait') step.tainted = true;
  const message = step.kind === 'wait' ? 'The signal did not come in time.' : 'The step was not done in time.';
  failStep(draft, step, step.error ?? { class: 'unknown', code: 'total_timeout', message });
}

function passDeadline(draft: Draft): News {
  const { state } = draft.task;
  if (state !== 'queued' && state !== 'running') return 'ignored';
  if (isPastPivot(draft)) {
    find(draft, 'task.deadline_past_pivot');
    return 'news';
  }
  beginUnwinding(draft, 'deadline');
  return 'news';
}

/** Sets again what should wait for an answer and does not: an outcome is unknown as soon as nothing waits for it. */
export function rearm(draft: Draft, lost: NonNullable<(Input & { on: 'reconciled' })['lost']>): void {
  for (const { stepId, direction } of lost) {
    const step = draft.byId.get(stepId);
    if (step === undefined || isTerminal(draft.task.state)) continue;
    const state = direction === 'do' ? step.state : step.undoState;
    if (state === 'retry_wait') setTimer(draft, step, direction, 'retry', 0);
    if (step.kind === 'wait' || !isInFlight(state)) continue;
    if (state === 'dispatched') setTimer(draft, step, direction, 'ack', step.policy.ackMs);
    else setTimer(draft, step, direction, 'attempt', step.policy.attemptMs);
    clearTimers(draft, step.id, direction, ['retry']);
  }
}
