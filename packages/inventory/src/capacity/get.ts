import type { Caller } from '@sentral/contracts/contract';
import type { Capacity } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { listNodeCapacities } from './list.js';

/**
 * What a node has to give of one class.
 * @throws Problem not-found
 */
export async function getCapacity(deps: Deps, caller: Caller, command: Command<'capacity', 'get'>): Promise<Capacity> {
  const { items } = await listNodeCapacities(deps, caller, command);
  const found = items.find((each) => each.class === command.class);
  if (found === undefined) throw problem('not-found', { resourceType: 'capacity' });
  return found;
}
