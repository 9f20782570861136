import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { prolong } from './prolong.js';
import { findAgeSeconds } from './span-sql.js';

/**
 * Sets a new expiry, now + ttlSeconds, within maxTtlSeconds of the start.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired | amount-not-allowed | scope-not-active | policy-violation
 */
export function renewAllocation(
  deps: Deps,
  caller: Caller,
  { ttlSeconds: asked, ...command }: { id: string; ttlSeconds?: number | undefined; version?: number | undefined },
): Promise<Allocation> {
  return prolong(deps, caller, {
    command,
    to: 'held',
    event: 'renewed',
    lasting: async (tx, row) => {
      // A held one always has both; allocation_ttl_in_bounds sees to the maximum.
      const ttlSeconds = asked ?? row.ttlSeconds ?? 0;
      const bound = (row.maxTtlSeconds ?? 0) - (await findAgeSeconds(tx, row.id));
      if (ttlSeconds <= bound) return ttlSeconds;
      throw problem('amount-not-allowed', {
        rule: 'max',
        class: 'ttlSeconds',
        bound: Math.max(0, bound),
        requested: ttlSeconds,
      });
    },
  });
}
