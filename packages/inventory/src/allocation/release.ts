import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { moveQuota } from '../quota/move.js';
import { listDependents } from './address-sql.js';
import { end } from './end.js';
import { findFence, type AllocationRow } from './sql.js';
import { step } from './step.js';

const live: readonly AllocationRow['state'][] = ['held', 'active', 'releasing'];

/**
 * Ends every item once. One that has ended, or run out, is not found.
 * @throws Problem not-found | version-mismatch | fence-stale | has-dependents
 */
export async function releaseAllocation(
  deps: Deps,
  caller: Caller,
  command: { id: string; version?: number | undefined; fence?: number | undefined },
): Promise<Allocation> {
  return step(deps, caller, {
    id: command.id,
    version: command.version,
    // Ended ones are judged here: there is nothing left to release.
    allowed: [...live, 'released', 'expired', 'failed'],
    work: async (tx, row) => {
      if (!live.includes(row.state) || row.overdue) throw problem('not-found', { resourceType: 'allocation' });
      const currentFence = await findFence(tx, row.id);
      if (command.fence !== undefined && command.fence < currentFence)
        throw problem('fence-stale', { providedFence: command.fence, currentFence });
      const dependents = await listDependents(tx, row.id);
      if (dependents.length > 0) {
        const ids = dependents.map((block) => encodeId('blk', block.id));
        throw problem('has-dependents', { dependents: [{ type: 'addressBlock', count: ids.length, ids }] });
      }
      const { seen, gives } = await end(tx, row.id, { state: 'released', traceparent: caller.traceparent });
      await moveQuota(tx, gives);
      return seen;
    },
  });
}
