import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { moveScope } from './move.js';

/**
 * Brings a deleted scope back until it is purged, when what it lies in is active and its quota has room.
 * @throws Problem not-found | version-mismatch | state-conflict | scope-not-active | quota-exceeded
 */
export async function restoreScope(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'restore'>,
): Promise<Result<'scope', 'restore'>> {
  return moveScope(deps, caller, { ...command, move: 'restore', what: 'scope.restored' });
}
