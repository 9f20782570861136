import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { toRelease } from './operation.js';
import { performOne } from './perform.js';

/**
 * Ends every item once. One that has ended, or run out, is not found.
 * @throws Problem not-found | version-mismatch | fence-stale | has-dependents
 */
export const releaseAllocation = (
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'release'>,
): Promise<Allocation> => performOne(deps, caller, toRelease(command));
