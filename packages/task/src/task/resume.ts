import type { Caller } from '@sentral/contracts/contract';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask, noted } from './ask.js';

/**
 * Lifts the hold, whoever set it.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function resumeTask(deps: Deps, caller: Caller, asked: Command<'task', 'resume'>): Promise<Task> {
  const command = { on: 'resume', actor: actorOf(caller), ...noted(asked.note) } as const;
  return commandTask(deps, caller, { ...asked, command });
}
