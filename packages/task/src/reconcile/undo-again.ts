import { inTransaction } from '@sentral/kernel/transaction';
import { enqueue } from '@sentral/kernel/outbox';
import { schemaName } from '../change.js';
import { isTerminal } from '../decide/aggregate.js';
import { openDraft, scopeOf } from '../decide/draft.js';
import { messageOf } from '../decide/message.js';
import type { Deps } from '../deps.js';
import { resolve } from '../plan/template.js';
import { load } from '../store/aggregate.js';
import { claimTask } from '../store/sql.js';
import { originOf } from '../store/write.js';
import { advanceUndo } from './sql.js';

/**
 * Sends the undo of a step once more although its task has ended: what it should have taken back is still there. It goes under the
 * next number, so that a service which has taken the one before takes it; its tombstone keeps it from doing anything twice.
 * @returns whether there was an undo to send
 */
export async function undoAgain(
  deps: Deps,
  { taskId, stepId }: { readonly taskId: string; readonly stepId: string },
): Promise<boolean> {
  const sent = await inTransaction(deps.db.app, async (tx) => {
    const stored = await claimTask(tx, taskId);
    if (stored === undefined || !isTerminal(stored.state) || stored.state === 'succeeded') return false;
    const loaded = await load(tx, stored);
    const step = loaded.aggregate.steps.find(({ id }) => id === stepId);
    if (step === undefined || step.undo === 'none') return false;
    const scope = scopeOf(openDraft(loaded.aggregate, { now: stored.now.getTime(), jitter: 0, paused: loaded.paused }));
    const { undoTemplate, service, contract, action, input } = step;
    const undo = undoTemplate === null ? undefined : resolve(undoTemplate.input, scope);
    if (undo?.ok === false) return false;
    const attempt = await advanceUndo(tx, stepId);
    const { subject, messageId, operation, body } = messageOf(originOf(stored), {
      stepId,
      direction: 'undo',
      attempt,
      service,
      ...(undoTemplate === null ? {} : { action: undoTemplate.action }),
      contract,
      input: undo?.value ?? null,
      of: { action, input: input ?? null },
    });
    await enqueue(tx, schemaName, { subject, messageId, operation, body, aggregate: taskId });
    return true;
  });
  if (sent) deps.pulse.beat('outbox');
  return sent;
}
