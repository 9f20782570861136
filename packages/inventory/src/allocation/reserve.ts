import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { mayJoin } from './group.js';
import type { Lanes } from './lanes.js';
import { toCreate } from './operation.js';
import { performOne } from './perform.js';

/**
 * Takes all items or none, in one transaction, shared with others where it can be: held for ttlSeconds, active at once without one.
 * @throws Problem reference-not-found | scope-not-active | version-mismatch | already-exists | allocation-conflict | capacity-exhausted |
 *   class-not-offered | amount-not-allowed | state-conflict | quota-exceeded | policy-violation
 */
export async function reserveAllocation(
  deps: Deps & { readonly lanes: Lanes },
  caller: Caller,
  command: Command<'allocation', 'reserve'>,
): Promise<Allocation> {
  if (mayJoin(caller, command)) return deps.lanes.admit({ caller, operation: await toCreate(deps, caller, command) });
  await bringForward(deps, caller.scopes);
  return performOne(deps, caller, await toCreate(deps, caller, command));
}
