import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { toCreate } from './operation.js';
import { performOne } from './perform.js';

/**
 * Takes all items or none, in one transaction: held for ttlSeconds, active at once without one.
 * @throws Problem reference-not-found | scope-not-active | version-mismatch | already-exists | allocation-conflict | capacity-exhausted |
 *   class-not-offered | amount-not-allowed | state-conflict | quota-exceeded | policy-violation
 */
export async function reserveAllocation(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'reserve'>,
): Promise<Allocation> {
  await bringForward(deps, caller.scopes);
  return performOne(deps, caller, await toCreate(deps, caller, command));
}
