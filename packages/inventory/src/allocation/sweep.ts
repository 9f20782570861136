import type { Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { itself } from '../change.js';
import type { Deps } from '../deps.js';
import { scrub, type Soiled } from '../node/scrub.js';
import { moveQuota, type Held } from '../quota/move.js';
import type { Place } from '../usage/sql.js';
import { end } from './end.js';
import { claimOverdue, lockOverdueIn } from './sweep-sql.js';

/** How many one sweep ends in one transaction: small, so that nobody waits long for its locks. */
const sweepMax = 50;

/** Ends what has run out. Not needed to be right (takers do the same for what they want), but the feed tells of it in time. */
export async function sweepAllocations(deps: Deps): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => expire(tx, await claimOverdue(tx, sweepMax)));
}

/** Ends a few of what has run out in one scope: a delete or a full quota must not count it. */
export async function expireFew(deps: Deps, scope: Place): Promise<number> {
  return inTransaction(deps.db.app, async (tx) => expire(tx, await lockOverdueIn(tx, scope, sweepMax)));
}

/** The same for the few that ran out since, in a transaction that holds the scope's row. */
export async function expireOverdue(tx: Tx, scope: Place): Promise<void> {
  await expire(tx, await lockOverdueIn(tx, scope, null));
}

/** Ends what has run out, behind its locks. */
export async function expire(tx: Tx, ids: readonly string[]): Promise<number> {
  const quota: Held[] = [];
  const soiled: Soiled[] = [];
  for (const id of ids) {
    const given = await end(tx, id, { state: 'expired', by: itself });
    quota.push(...given.gives);
    soiled.push(...given.soiled);
  }
  await scrub(tx, itself, { soiled });
  await moveQuota(tx, quota);
  return ids.length;
}
