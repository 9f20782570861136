import type { Caller } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Tx } from '@sentral/kernel/database';
import type { Deps } from '../deps.js';
import { prolong, prolongIn } from './prolong.js';

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

/** The same inside a transaction of the caller's, which brings no scopes along. */
export const confirmed = (tx: Tx, caller: Caller, id: Id<'alc'>): Promise<Allocation> =>
  prolongIn(tx, caller, { command: { id }, to: 'active', event: 'confirmed', lasting: async () => null });
