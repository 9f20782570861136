import type { Caller } from '@sentral/contracts/contract';
import { observedAheadSeconds } from '@sentral/contracts/inventory/finding';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';

/**
 * Sources tell of things of every tenant: only who sees everything may speak for one.
 * @throws Problem permission-denied
 */
export function expectWhole(caller: Caller, missingPermission: string): void {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission });
}

/**
 * The clock of a source is compared with itself alone, so it may be wrong; but what it says of the future would keep everything
 * that it sees until then from being taken.
 * @throws Problem validation-failed
 */
export async function expectPast(tx: Tx, sightings: readonly { readonly observedAt: string }[]): Promise<void> {
  const [row] = await tx.sql<{ now: Date }>`select now() as now`;
  const latest = (row?.now.getTime() ?? 0) + observedAheadSeconds * 1_000;
  const at = sightings.findIndex(({ observedAt }) => new Date(observedAt).getTime() > latest);
  if (at < 0) return;
  const message = `must not be more than ${observedAheadSeconds} seconds ahead`;
  throw problem('validation-failed', {
    errors: [{ pointer: `/sightings/${at}/observedAt`, code: 'out_of_bounds', message }],
  });
}
