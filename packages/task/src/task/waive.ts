import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask } from './ask.js';

/**
 * Counts an undo that failed as done.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function waiveTask(deps: Deps, caller: Caller, asked: Command<'task', 'waive'>): Promise<Task> {
  const command = {
    on: 'waive',
    actor: actorOf(caller),
    stepId: decodeId('stp', asked.stepId),
    note: asked.note,
  } as const;
  return commandTask(deps, caller, { ...asked, command });
}
