import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { scopeId } from '../scope/row.js';
import { amendCounters, lockCounters, type Taking } from './sql.js';

/**
 * Counts one more of each, under the counters' locks; the trigger quota_never_grown_over_cap has the last word.
 * @throws Problem quota-exceeded
 */
export async function countMore(tx: Tx, takings: readonly Taking[]): Promise<void> {
  if (takings.length === 0) return;
  const full = (await lockCounters(tx, takings)).find(({ used, cap }) => cap !== null && used + 1 > cap);
  if (full !== undefined) {
    throw problem('quota-exceeded', {
      dimension: full.dimension,
      limit: full.cap,
      used: full.used,
      requested: 1,
      scope: scopeId(full.kind, full.scopeId),
    });
  }
  await amendCounters(tx, takings, 1);
}

/** Gives one of each back. */
export async function countLess(tx: Tx, takings: readonly Taking[]): Promise<void> {
  if (takings.length === 0) return;
  await lockCounters(tx, takings);
  await amendCounters(tx, takings, -1);
}
