import type { Caller } from '@sentral/contracts/contract';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask, noted } from './ask.js';

/**
 * Sends nothing new of the task until it is resumed.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function holdTask(deps: Deps, caller: Caller, asked: Command<'task', 'hold'>): Promise<Task> {
  const command = { on: 'hold', actor: actorOf(caller), ...noted(asked.note) } as const;
  return commandTask(deps, caller, { ...asked, command });
}
