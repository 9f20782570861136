import type { Caller } from '@sentral/contracts/contract';
import type { NodeCapacities } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { editOffer, offerOf } from './edit.js';

/**
 * Stops offering a class of which nothing is used.
 * @throws Problem not-found | version-mismatch | state-conflict | has-dependents
 */
export function removeCapacity(
  deps: Deps,
  caller: Caller,
  command: Command<'capacity', 'remove'>,
): Promise<NodeCapacities> {
  return editOffer(deps, caller, {
    ...command,
    version: command.version,
    to: (current) => {
      if (!current.some((row) => row.class === command.class)) throw problem('not-found', { resourceType: 'capacity' });
      return current.filter((row) => row.class !== command.class).map((row) => ({ offer: offerOf(row), pointer: '' }));
    },
  });
}
