import type { Caller } from '@sentral/contracts/contract';
import type { TaskFinding } from '@sentral/contracts/task/trouble';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { settle } from './settle.js';

/**
 * It stays as it is, and somebody has said so.
 * @throws Problem permission-denied | not-found | state-conflict
 */
export const acceptFinding = (
  deps: Deps,
  caller: Caller,
  command: Command<'finding', 'accept'>,
): Promise<TaskFinding> => settle(deps, caller, { ...command, state: 'accepted' });
