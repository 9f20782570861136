import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { toReplace } from './operation.js';
import { performOne } from './perform.js';

/**
 * Another set of things counts instead of the old one, in one transaction; what is in both stays. An empty set gives all back.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired | has-dependents, and what reserve refuses with
 */
export async function replaceAllocation(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'replace'>,
): Promise<Allocation> {
  await bringForward(deps, caller.scopes);
  return performOne(deps, caller, await toReplace(deps, caller, command));
}
