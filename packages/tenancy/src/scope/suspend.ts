import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { moveScope } from './move.js';

/**
 * Stops new work in the scope and below: it may read, release and cancel.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function suspendScope(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'suspend'>,
): Promise<Result<'scope', 'suspend'>> {
  return moveScope(deps, caller, { ...command, move: 'suspend', what: 'scope.suspended' });
}
