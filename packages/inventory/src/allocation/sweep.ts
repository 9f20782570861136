import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { moveQuota, type Held } from '../quota/move.js';
import { end } from './end.js';
import { claimOverdue } from './sql.js';

/** How many one sweep ends in one transaction: small, so that nobody waits long for its locks. */
const sweepMax = 50;

/** Ends what has run out. Not needed to be right (takers do the same for what they want), but the feed tells of it in time. */
export async function sweepAllocations(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => {
    const ids = await claimOverdue(tx, sweepMax);
    const given: Held[] = [];
    for (const id of ids) given.push(...(await end(tx, id, { state: 'expired', traceparent: undefined })).gives);
    await moveQuota(tx, given);
    return ids.length;
  });
}
