import { isProblem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { overdueMax, thingsOf } from './lock.js';
import type { Wanted } from './rules.js';
import { listOverdue, lockAllocations, lockCountersOf } from './sql.js';
import { expire } from './sweep.js';

/** Told by a taking that saw more run out than it could end itself. */
export interface OverdueLeft {
  tell(wanted: readonly Wanted[]): void;
}

const mayBeOverdue: ReadonlySet<string> = new Set(['capacity-exhausted', 'allocation-conflict']);

/**
 * Takes, where more may have run out than one transaction ends: a taker ends a few, which is mostly more than it needs. Is it
 * refused for all that, the rest is ended in transactions of their own, and the taking is tried again: what has run out blocks
 * nobody, however much of it there is.
 */
export async function untilNoneOverdue<R>(deps: Deps, taking: (left: OverdueLeft) => Promise<R>): Promise<R> {
  for (;;) {
    let more: readonly Wanted[] | undefined;
    try {
      return await taking({ tell: (wanted) => (more = wanted) });
    } catch (error) {
      if (more === undefined || !isProblem(error) || !mayBeOverdue.has(error.code)) throw error;
      while ((await endFew(deps, more)) > 0);
    }
  }
}

/** @returns how many there were, fifty at most */
export async function endFew(deps: Deps, wanted: readonly Wanted[]): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const ids = await listOverdue(tx, { ...thingsOf(wanted), holderIds: [], limit: overdueMax });
    await lockCountersOf(tx, ids);
    const rows = await lockAllocations(tx, ids);
    await expire(
      tx,
      rows.filter((row) => row.overdue).map((row) => row.id),
    );
    return ids.length;
  });
}
