import type { Caller } from '@sentral/contracts/contract';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask, noted } from './ask.js';

/**
 * Takes a stuck task back; past its pivot only with a note.
 * @throws Problem not-found | version-mismatch | state-conflict | past-pivot
 */
export function unwindTask(deps: Deps, caller: Caller, asked: Command<'task', 'unwind'>): Promise<Task> {
  const command = { on: 'unwind', actor: actorOf(caller), ...noted(asked.note) } as const;
  return commandTask(deps, caller, { ...asked, command });
}
