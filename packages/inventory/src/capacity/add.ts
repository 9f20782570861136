import type { Caller } from '@sentral/contracts/contract';
import type { NodeCapacities } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { editOffer, offerOf } from './edit.js';

/**
 * Lets a node give out one more class.
 * @throws Problem not-found | version-mismatch | state-conflict | validation-failed | already-exists | reference-not-found
 */
export function addCapacity(
  deps: Deps,
  caller: Caller,
  { capacity, ...command }: Command<'capacity', 'add'>,
): Promise<NodeCapacities> {
  return editOffer(deps, caller, {
    ...command,
    version: command.version,
    to: (current) => {
      if (current.some((row) => row.class === capacity.class))
        throw problem('already-exists', { field: 'class', parentId: command.nodeId });
      return [
        ...current.map((row) => ({ offer: offerOf(row), pointer: '' })),
        { offer: capacity, pointer: '/capacity' },
      ];
    },
  });
}
