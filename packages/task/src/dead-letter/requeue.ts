import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { readReply } from '@sentral/contracts/services/message';
import type { DeadLetter } from '@sentral/contracts/task/trouble';
import type { Tx } from '@sentral/kernel/database';
import { enqueue } from '@sentral/kernel/outbox';
import { schemaName } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { retryTask } from '../task/retry.js';
import { getLetter } from './get.js';
import { findLetter, type LetterRow } from './sql.js';
import { settle } from './settle.js';

/**
 * Sends a message once more through the outbox, under an id of its own: the window of duplicates would swallow the old one, and
 * whoever has taken it drops it by what is in it. An undo that failed is retried with its task, which settles its letters.
 * @throws Problem permission-denied | not-found | state-conflict
 */
export async function requeueLetter(
  deps: Deps,
  caller: Caller,
  command: Command<'deadLetter', 'requeue'>,
): Promise<DeadLetter> {
  expectOperator(caller, 'task.deadLetter.requeue');
  const letter = await findLetter(deps.db.app, decodeId('dlt', command.id));
  const { taskId, stepId } = letter ?? {};
  if (
    letter?.origin === 'undo' &&
    letter.state === 'open' &&
    typeof taskId === 'string' &&
    typeof stepId === 'string'
  ) {
    const note = command.note === undefined ? {} : { note: command.note };
    await retryTask(deps, caller, { id: encodeId('tsk', taskId), stepId: encodeId('stp', stepId), ...note });
    return getLetter(deps, caller, command);
  }
  const settled = await settle(deps, caller, { ...command, state: 'redriven', does: resend });
  deps.pulse.beat('outbox');
  return settled;
}

async function resend(tx: Tx, letter: LetterRow): Promise<void> {
  const body = letter.body ?? readable(letter.raw);
  if (letter.subject === null || body === undefined)
    throw problem(
      'state-conflict',
      { state: 'unreadable', allowedStates: ['readable'] },
      'It cannot be read, and would come back as it is: discard it.',
    );
  const aggregate = letter.taskId ?? letter.id;
  await enqueue(tx, schemaName, { subject: letter.subject, messageId: `${letter.id}:requeued`, body, aggregate });
}

/** What came from a service is sent on only if it can be taken in by now. */
function readable(raw: string | null): object | undefined {
  const read = raw === null ? undefined : readReply(raw);
  return read?.ok === true ? (JSON.parse(raw as string) as object) : undefined;
}
