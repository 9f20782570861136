import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Deps } from '../deps.js';
import { prolong } from './prolong.js';

/**
 * Makes a hold an allocation for good; one that is active already stays as it is.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired | scope-not-active | policy-violation
 */
export function confirmAllocation(
  deps: Deps,
  caller: Caller,
  command: { id: string; version?: number | undefined },
): Promise<Allocation> {
  return prolong(deps, caller, { command, to: 'active', event: 'confirmed', lasting: async () => null });
}
