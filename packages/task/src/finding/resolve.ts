import type { Caller } from '@sentral/contracts/contract';
import type { TaskFinding } from '@sentral/contracts/task/trouble';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { settle } from './settle.js';

/**
 * It has been set right.
 * @throws Problem permission-denied | not-found | state-conflict
 */
export const resolveFinding = (
  deps: Deps,
  caller: Caller,
  command: Command<'finding', 'resolve'>,
): Promise<TaskFinding> => settle(deps, caller, { ...command, state: 'resolved' });
