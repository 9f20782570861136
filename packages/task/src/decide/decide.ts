import { isTerminal, type Aggregate } from './aggregate.js';
import { beginUnwinding, settleBackward } from './backward.js';
import type { Context, Decision, Input } from './decision.js';
import { closeDraft, emptyDecision, openDraft, type Draft } from './draft.js';
import { isPastPivot, settleForward } from './forward.js';
import { rearm, takeBeat, takeReply, takeTimer, type News } from './news.js';
import { takeAuthorization, takeCommand } from './people.js';

/**
 * Decides what one input means for one task. Pure and total: every state and every input give a decision, which the caller
 * writes in one transaction under the lock of the task's row.
 */
export function decide(aggregate: Aggregate, input: Input, context: Context): Decision {
  const draft = openDraft(aggregate, context);
  switch (input.on) {
    case 'admitted':
      return aggregate.task.state === 'queued' && aggregate.task.hold === null ? begin(draft) : emptyDecision;
    case 'reply':
      return after(draft, takeReply(draft, input));
    case 'beat':
      return after(draft, takeBeat(draft, input));
    case 'timer':
      return after(draft, takeTimer(draft, input));
    case 'signal':
      if (!draft.signals.some(({ id }) => id === input.id)) draft.signals = [...draft.signals, input];
      return settle(draft);
    case 'authorized':
      return takeAuthorization(draft, input) ? settle(draft) : emptyDecision;
    case 'revoked':
      return revoke(draft) ? settle(draft) : emptyDecision;
    case 'doubted':
      if (isTerminal(aggregate.task.state) || aggregate.task.hold !== null) return emptyDecision;
      draft.task.hold = 'reconcile';
      draft.task.holdNote = input.note;
      return closeDraft(draft, 'applied');
    case 'reconciled':
      rearm(draft, input.lost ?? []);
      return settle(draft);
    case 'cancel':
    case 'hold':
    case 'resume':
    case 'retry':
    case 'unwind':
    case 'waive':
    case 'abandon': {
      const verdict = takeCommand(draft, input);
      if (verdict === 'done') return settle(draft);
      return verdict === 'nothing' ? emptyDecision : { ...emptyDecision, outcome: 'refused', refusal: verdict };
    }
  }
}

function begin(draft: Draft): Decision {
  draft.task.state = 'running';
  draft.task.startedAt = draft.context.now;
  return settle(draft);
}

/** What is past its pivot, or unwinds already, goes on to its own end; what waits for people does so no longer. */
function revoke(draft: Draft): boolean {
  const { task, steps } = draft;
  const open =
    task.state === 'queued' ||
    task.state === 'running' ||
    (task.state === 'stuck' && steps.every(({ undoState }) => undoState === 'idle'));
  if (!open || isPastPivot(draft)) return false;
  beginUnwinding(draft, 'dependency');
  return true;
}

function after(draft: Draft, news: News): Decision {
  if (news === 'news') return settle(draft);
  if (news === 'quiet') return closeDraft(draft, 'quiet');
  // Even what comes too late may be something that people must look at.
  return { ...emptyDecision, outcome: news, findings: draft.findings };
}

function settle(draft: Draft): Decision {
  if (draft.task.state === 'running' || draft.task.state === 'stuck') settleForward(draft);
  // Forward may have turned the task round.
  if (draft.task.state === 'unwinding') settleBackward(draft);
  return closeDraft(draft, 'applied');
}
