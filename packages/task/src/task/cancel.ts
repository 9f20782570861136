import type { Caller } from '@sentral/contracts/contract';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask, noted } from './ask.js';

/**
 * Takes everything back that was sent; the task is cancelled when that has ended.
 * @throws Problem not-found | version-mismatch | state-conflict | past-pivot
 */
export function cancelTask(deps: Deps, caller: Caller, asked: Command<'task', 'cancel'>): Promise<Task> {
  const command = { on: 'cancel', actor: actorOf(caller), ...noted(asked.note) } as const;
  return commandTask(deps, caller, { ...asked, command });
}
