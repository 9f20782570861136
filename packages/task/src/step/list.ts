import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { Step } from '@sentral/contracts/task/step';
import type { Deps } from '../deps.js';
import { expectSeen, readingAs } from '../reading.js';
import { stepColumns, type StoredStep } from '../store/sql.js';
import { findTask } from '../task/sql.js';

/**
 * The steps of a task that the caller may see, in the order of their needs.
 * @throws Problem not-found
 */
export async function listSteps(deps: Deps, caller: Caller, command: { taskId: string }): Promise<{ items: Step[] }> {
  const taskId = decodeId('tsk', command.taskId);
  const rows = await readingAs(deps, caller, async (on) => {
    expectSeen(caller, await findTask(on, taskId));
    return on.unsafe(`select ${stepColumns} from step s where s.task_id = $1 order by s.ordinal`, [taskId]);
  });
  return { items: (rows as unknown as readonly StoredStep[]).map(toStep) };
}

function toStep(row: StoredStep): Step {
  const { key, ordinal, kind, service, action, contract, pivot, destructive, state, undoState, attempt } = row;
  return {
    id: encodeId('stp', row.id),
    type: 'step',
    key,
    ordinal,
    kind,
    service,
    action,
    contract,
    needs: [...row.needs],
    pivot,
    destructive,
    state,
    undoState,
    attempt,
    undoAttempt: row.undoAttempt,
    progress: row.progress,
    ...(row.note === null ? {} : { note: row.note }),
    ...(row.hasOutput ? { output: row.output } : {}),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.dispatchedAt === null ? {} : { dispatchedAt: row.dispatchedAt.toISOString() }),
    ...(row.finishedAt === null ? {} : { finishedAt: row.finishedAt.toISOString() }),
  };
}
