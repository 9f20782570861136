import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import type { Deps } from '../deps.js';
import { expectSeen, readingAs } from '../reading.js';
import { toTask } from './resource.js';
import { findTask } from './sql.js';

/**
 * One task that the caller may see.
 * @throws Problem not-found
 */
export async function getTask(deps: Deps, caller: Caller, command: { id: string }): Promise<Task> {
  const row = await readingAs(deps, caller, (on) => findTask(on, decodeId('tsk', command.id)));
  return toTask(expectSeen(caller, row));
}
