import type { Caller } from '@sentral/contracts/contract';
import type { NodeCapacities } from '@sentral/contracts/inventory/capacity';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { editOffer, refused } from './edit.js';

/**
 * Replaces all that a node offers; what is used of a class keeps it.
 * @throws Problem not-found | version-mismatch | state-conflict | validation-failed | reference-not-found | has-dependents
 */
export async function setCapacities(
  deps: Deps,
  caller: Caller,
  { capacities, ...command }: Command<'capacity', 'set'>,
): Promise<NodeCapacities> {
  const twice = capacities.findIndex((each, at) => capacities.findIndex((other) => other.class === each.class) < at);
  if (twice >= 0) throw refused(`/capacities/${twice}/class`, 'duplicate', 'is named twice');
  return editOffer(deps, caller, {
    ...command,
    version: command.version,
    to: () => capacities.map((offer, at) => ({ offer, pointer: `/capacities/${at}` })),
  });
}
