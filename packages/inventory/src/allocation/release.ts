import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import type { Lanes } from './lanes.js';
import { toRelease } from './operation.js';
import { performOne } from './perform.js';
import { heldKeys } from './release-group.js';

/**
 * Ends every item once, in a transaction that is shared with others where amounts are all there is. One that has ended, or run
 * out, is not found.
 * @throws Problem not-found | version-mismatch | fence-stale | has-dependents
 */
export async function releaseAllocation(
  deps: Deps & { readonly lanes: Lanes },
  caller: Caller,
  command: Command<'allocation', 'release'>,
): Promise<Allocation> {
  const operation = toRelease(command);
  const keys = caller.dryRun === true ? undefined : await heldKeys(deps.db.app, operation.id);
  return keys === undefined ? performOne(deps, caller, operation) : deps.lanes.release({ caller, operation, keys });
}
