import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { DeadLetter } from '@sentral/contracts/task/trouble';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { settle } from './settle.js';

/**
 * Nobody needs it any more. An undo that failed is waived with its task, not here: its effect is still there.
 * @throws Problem permission-denied | not-found | state-conflict
 */
export async function discardLetter(
  deps: Deps,
  caller: Caller,
  command: Command<'deadLetter', 'discard'>,
): Promise<DeadLetter> {
  expectOperator(caller, 'task.deadLetter.discard');
  return settle(deps, caller, { ...command, state: 'discarded', does: expectMessage });
}

async function expectMessage(_: unknown, { origin }: { origin: DeadLetter['origin'] }): Promise<void> {
  if (origin !== 'undo') return;
  const why = 'What the step has made is still there: waive the undo, or abandon the task.';
  throw problem('state-conflict', { state: 'undo-failed', allowedStates: [] }, why);
}
