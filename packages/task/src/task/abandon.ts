import type { Caller } from '@sentral/contracts/contract';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask } from './ask.js';

/**
 * Ends a stuck task as it is.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function abandonTask(deps: Deps, caller: Caller, asked: Command<'task', 'abandon'>): Promise<Task> {
  const command = { on: 'abandon', actor: actorOf(caller), note: asked.note } as const;
  return commandTask(deps, caller, { ...asked, command });
}
