import type { ProblemCode } from '@sentral/contracts/problem';
import { isTerminal } from './aggregate.js';
import { beginUnwinding } from './backward.js';
import type { HumanCommand, Input } from './decision.js';
import { endTask, moveForward, moveUndo, type Draft } from './draft.js';
import { isPastPivot, mayRetryForward } from './forward.js';

// What people ask for (task.md 4.1, 14). Each function tells what became of it: done, nothing to do, or why not.

export type Verdict = 'done' | 'nothing' | { readonly code: ProblemCode; readonly detail: string };

const refused = (code: ProblemCode, detail: string): Verdict => ({ code, detail });

export function takeCommand(draft: Draft, command: HumanCommand): Verdict {
  draft.actor = command.actor;
  draft.note = command.note;
  switch (command.on) {
    case 'cancel':
      return cancel(draft);
    case 'hold':
      return hold(draft, command.note);
    case 'resume':
      return resume(draft);
    case 'retry':
      return retry(draft, command.stepId);
    case 'unwind':
      return unwind(draft, command.note);
    case 'waive':
      return waive(draft, command.stepId, command.note);
    case 'abandon':
      return abandon(draft, command.note);
  }
}

function cancel(draft: Draft): Verdict {
  const { task } = draft;
  if (task.state === 'cancelled' || task.state === 'unwinding') return 'nothing';
  if (task.state === 'queued' || task.state === 'running') {
    if (isPastPivot(draft)) return refused('past-pivot', 'What was done cannot be taken back any more.');
    beginUnwinding(draft, 'cancelled');
    return 'done';
  }
  return refused('state-conflict', `A task that is ${task.state} is not cancelled.`);
}

function hold(draft: Draft, note: string | undefined): Verdict {
  const { task } = draft;
  if (isTerminal(task.state)) return refused('state-conflict', `A task that is ${task.state} is not held.`);
  // A hold that is there for another reason is not overwritten: whoever lifts it must know that reason.
  if (task.hold !== null)
    return task.hold === 'operator' ? 'nothing' : refused('state-conflict', `It is held: ${task.hold}.`);
  task.hold = 'operator';
  task.holdNote = note ?? null;
  return 'done';
}

function resume(draft: Draft): Verdict {
  const { task } = draft;
  if (isTerminal(task.state)) return refused('state-conflict', `A task that is ${task.state} is not resumed.`);
  if (task.hold === null) return 'nothing';
  task.hold = null;
  task.holdNote = null;
  return 'done';
}

function retry(draft: Draft, stepId: string): Verdict {
  const { task } = draft;
  const step = draft.byId.get(stepId);
  if (step === undefined) return refused('not-found', 'The task has no such step.');
  if (step.undoState === 'failed' && (task.state === 'stuck' || task.state === 'unwinding')) {
    step.unknowns = 0;
    moveUndo(draft, step, 'ready');
    task.state = 'unwinding';
    return 'done';
  }
  if (task.state !== 'stuck' || !mayRetryForward(draft, step))
    return refused('state-conflict', `The step is ${step.state}, its undo ${step.undoState}, the task ${task.state}.`);
  step.tries = 0;
  step.conflicts = 0;
  step.unknowns = 0;
  step.finishedAt = null;
  moveForward(draft, step, 'ready');
  task.error = null;
  task.state = 'running';
  return 'done';
}

function unwind(draft: Draft, note: string | undefined): Verdict {
  const { task } = draft;
  if (task.state !== 'stuck') return refused('state-conflict', `A task that is ${task.state} is not unwound.`);
  if (draft.steps.some(({ undoState }) => undoState !== 'idle'))
    return refused('state-conflict', 'It is unwinding already: retry or waive the undo that failed.');
  if (isPastPivot(draft) && (note ?? '') === '') return refused('past-pivot', 'Past the pivot it takes a note.');
  beginUnwinding(draft, 'operator');
  return 'done';
}

function waive(draft: Draft, stepId: string, note: string): Verdict {
  const { task } = draft;
  const step = draft.byId.get(stepId);
  if (step === undefined) return refused('not-found', 'The task has no such step.');
  if (note === '') return refused('validation-failed', 'To waive takes a note.');
  if (step.undoState === 'waived') return 'nothing';
  if (step.undoState !== 'failed' || isTerminal(task.state))
    return refused('state-conflict', `The undo of the step is ${step.undoState}.`);
  step.note = note;
  moveUndo(draft, step, 'waived');
  task.state = 'unwinding';
  return 'done';
}

function abandon(draft: Draft, note: string): Verdict {
  const { task } = draft;
  if (task.state === 'abandoned') return 'nothing';
  if (note === '') return refused('validation-failed', 'To abandon takes a note.');
  if (task.state !== 'stuck') return refused('state-conflict', `A task that is ${task.state} is not abandoned.`);
  task.note = note;
  endTask(draft, 'abandoned');
  return 'done';
}

/** Tenancy's word about a destructive step: without the right the task waits for whoever can give it. */
export function takeAuthorization(draft: Draft, word: Input & { on: 'authorized' }): boolean {
  const { task } = draft;
  const step = draft.byId.get(word.stepId);
  if (task.state !== 'running' || step?.destructive !== true || step.state !== 'ready') return false;
  if (word.allowed) {
    draft.authorized.add(step.id);
    return true;
  }
  if (task.hold !== null) return false;
  task.hold = 'policy';
  task.holdNote = word.note ?? `${step.key}: the initiator may not do this any more`;
  return true;
}
