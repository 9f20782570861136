import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Task } from '@sentral/contracts/task/task';
import { lookUpKeys, storeResults } from '@sentral/kernel/idempotency';
import { inTransaction } from '@sentral/kernel/transaction';
import { schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

/**
 * Names the task of a command under the caller's key, before anything of it is done: a retry goes on where the first try stopped.
 * @throws Problem idempotency-key-required
 */
export async function intendTask(
  deps: Deps,
  caller: Caller,
  { instead }: Command<'task', 'intent'>,
): Promise<Result<'task', 'intent'>> {
  const key = caller.idempotency;
  if (key === undefined) throw problem('idempotency-key-required');
  const mintedId = deps.newId();
  return inTransaction(deps.db.app, async (tx) => {
    const [verdict] = await lookUpKeys(tx, schemaName, [key]);
    if (verdict?.state === 'refused') throw verdict.problem;
    if (verdict?.state === 'done') {
      const task = verdict.result as Task;
      return { taskId: task.id, task: { ...task, replayed: true as const } };
    }
    const known = verdict?.mintedId === undefined ? undefined : encodeId('tsk', verdict.mintedId);
    if (known !== undefined && known !== instead) return { taskId: known };
    await storeResults(tx, schemaName, [{ ...key, mintedId }]);
    return { taskId: encodeId('tsk', mintedId) };
  });
}
