import type { Caller } from '@sentral/contracts/contract';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectActive, lockScopePath } from '@sentral/kernel/scopes/view';
import { schemaName } from '../change.js';
import type { Deps } from '../deps.js';
import { bringForward } from '../projection/bring.js';
import { recordAllocation, type AllocationEvent } from './events.js';
import { judgeLease } from './policy.js';
import { toAllocation } from './resource.js';
import { expectUnbound } from './rules.js';
import { findAllocation, listItems, type AllocationRow } from './sql.js';
import { amendExpiry } from './span-sql.js';
import { step, stepIn, type Step } from './step.js';

interface Prolonging {
  readonly command: { readonly id: string; readonly version?: number | undefined };
  readonly to: 'held' | 'active';
  readonly event: AllocationEvent;
  /** How long from now; null for good. */
  readonly lasting: (tx: Tx, row: AllocationRow) => Promise<number | null>;
}

/**
 * What confirm and renew have in common: a lease lasts longer, so it is held to its scopes and their policies as they are now.
 * Locks: scope rows, root first, then the allocation. The path of an allocation never changes, so it is read before.
 * @throws Problem not-found | version-mismatch | state-conflict | lease-expired | scope-not-active | policy-violation
 */
export async function prolong(deps: Deps, caller: Caller, how: Prolonging): Promise<Allocation> {
  await bringForward(deps, caller.scopes);
  return step(deps, caller, prolonging(caller, how));
}

/** The same inside a transaction of the caller's. */
export const prolongIn = (tx: Tx, caller: Caller, how: Prolonging): Promise<Allocation> =>
  stepIn(tx, caller, prolonging(caller, how));

function prolonging(caller: Caller, how: Prolonging): Step {
  let path: Awaited<ReturnType<typeof lockScopePath>> = [];
  return {
    ...how.command,
    allowed: how.to === 'active' ? ['held', 'active'] : ['held'],
    first: async (tx, id) => {
      const seen = await findAllocation(tx, id);
      path = seen === undefined ? [] : await lockScopePath(tx, schemaName, seen.scopeId);
    },
    work: async (tx, row) => {
      expectUnbound(caller, row);
      const before = toAllocation(row, await listItems(tx, [row.id]));
      if (row.state === 'active') return before;
      const ttlSeconds = await how.lasting(tx, row);
      if (path.at(-1)?.kind !== 'environment')
        throw problem('scope-not-active', { scope: 'environment', state: 'unknown' });
      expectActive(path);
      const { policyVersion, auditOnly } = await judgeLease(tx, path, ttlSeconds);
      const changed = await amendExpiry(tx, { id: row.id, state: how.to, expiresInSeconds: ttlSeconds, policyVersion });
      return recordAllocation(tx, changed, { event: how.event, by: caller, before, auditOnly });
    },
  };
}
