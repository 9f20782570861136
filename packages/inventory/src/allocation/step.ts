import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import type { Deps } from '../deps.js';
import { inChange } from '../change.js';
import { seesAllocation } from '../reading.js';
import { judgeStep } from './rules.js';
import { lockAllocation, type AllocationRow } from './sql.js';

export interface Step {
  readonly id: string;
  readonly version?: number | undefined;
  readonly allowed: readonly AllocationRow['state'][];
  /** Runs on the locked row; what it records is the change. */
  readonly work: (tx: Tx, row: AllocationRow) => Promise<Allocation>;
  /** Locks what comes before the allocation in the lock order. */
  readonly first?: (tx: Tx, id: string) => Promise<void>;
}

/** What confirm, renew and release have in common: the key, the lock, the version, the state. */
export const step = (deps: Deps, caller: Caller, how: Step): Promise<Allocation> =>
  inChange(deps, caller, (tx) => stepIn(tx, caller, how));

export async function stepIn(tx: Tx, caller: Caller, { id, version, allowed, work, first }: Step): Promise<Allocation> {
  await first?.(tx, decodeId('alc', id));
  const row = await lockAllocation(tx, decodeId('alc', id));
  if (row === undefined || !seesAllocation(caller, row)) throw problem('not-found', { resourceType: 'allocation' });
  if (version !== undefined && version !== row.version) {
    throw problem(
      'version-mismatch',
      { resourceId: id, currentVersion: row.version, providedVersion: version },
      'Read it again, then decide.',
    );
  }
  const verdict = judgeStep(row, allowed);
  if (verdict === 'lease-expired')
    throw problem('lease-expired', {
      allocationId: id,
      expiredAt: (row.expiresAt ?? row.endedAt)?.toISOString(),
    });
  if (verdict === 'state-conflict') throw problem('state-conflict', { state: row.state, allowedStates: allowed });
  return work(tx, row);
}
