import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { moveScope } from './move.js';

/**
 * Ends a suspension.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function resumeScope(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'resume'>,
): Promise<Result<'scope', 'resume'>> {
  return moveScope(deps, caller, { ...command, move: 'resume', what: 'scope.resumed' });
}
