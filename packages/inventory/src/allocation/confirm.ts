import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Deps } from '../deps.js';
import { recordAllocation } from './events.js';
import { toAllocation } from './resource.js';
import { amendExpiry, listItems } from './sql.js';
import { step } from './step.js';

/**
 * Makes a hold an allocation for good; one that is active already stays as it is.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired
 */
export function confirmAllocation(
  deps: Deps,
  caller: Caller,
  command: { id: string; version?: number | undefined },
): Promise<Allocation> {
  return step(deps, caller, {
    ...command,
    allowed: ['held', 'active'],
    work: async (tx, row) => {
      if (row.state === 'active') return toAllocation(row, await listItems(tx, [row.id]));
      const changed = await amendExpiry(tx, { id: row.id, state: 'active', expiresInSeconds: null });
      return recordAllocation(tx, changed, { event: 'confirmed', traceparent: caller.traceparent });
    },
  });
}
