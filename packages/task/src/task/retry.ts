import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Task } from '@sentral/contracts/task/task';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { actorOf, commandTask, noted } from './ask.js';

/**
 * Sends a step that failed, or its undo, once more with its whole budget.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export function retryTask(deps: Deps, caller: Caller, asked: Command<'task', 'retry'>): Promise<Task> {
  const command = {
    on: 'retry',
    actor: actorOf(caller),
    stepId: decodeId('stp', asked.stepId),
    ...noted(asked.note),
  } as const;
  return commandTask(deps, caller, { ...asked, command });
}
