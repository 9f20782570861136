import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { lockScopePath } from '../projection/sql.js';
import { recordAllocation } from './events.js';
import { judgeRenew } from './policy.js';
import { amendExpiry, findAgeSeconds } from './sql.js';
import { step } from './step.js';

/**
 * Sets a new expiry, now + ttlSeconds, within maxTtlSeconds of the start.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired | amount-not-allowed
 */
export function renewAllocation(
  deps: Deps,
  caller: Caller,
  command: { id: string; ttlSeconds?: number | undefined; version?: number | undefined },
): Promise<Allocation> {
  return step(deps, caller, {
    id: command.id,
    version: command.version,
    allowed: ['held'],
    work: async (tx, row) => {
      // A held one always has both; allocation_ttl_in_bounds sees to the maximum.
      const ttlSeconds = command.ttlSeconds ?? row.ttlSeconds ?? 0;
      const bound = (row.maxTtlSeconds ?? 0) - (await findAgeSeconds(tx, row.id));
      if (ttlSeconds > bound)
        throw problem('amount-not-allowed', {
          rule: 'max',
          class: 'ttlSeconds',
          bound: Math.max(0, bound),
          requested: ttlSeconds,
        });
      // Its scopes may have been suspended, or their policies narrowed, since it was taken.
      const judgement = await judgeRenew(tx, await lockScopePath(tx, row.scopeId), ttlSeconds);
      const changed = await amendExpiry(tx, {
        id: row.id,
        state: 'held',
        expiresInSeconds: ttlSeconds,
      });
      return recordAllocation(tx, changed, {
        event: 'renewed',
        traceparent: caller.traceparent,
        auditOnly: judgement.auditOnly,
      });
    },
  });
}
