import { isProblem, type Problem } from '@sentral/contracts/problem';
import { expireFew } from '../allocation/sweep.js';
import type { Deps } from '../deps.js';
import { placeOf } from '../usage/sql.js';
import { findRoom } from './sql.js';

/** So often others may be quicker to what had run out. */
const triesMax = 8;

/**
 * Takes something that counts. What has run out blocks nobody, also where no sweeper has seen it: before a quota refuses, the
 * overdue of the full scope are ended in transactions of their own, and when that made room the taking is tried again. The
 * counter alone tells, so it does not matter who ended them.
 * @throws Problem quota-exceeded
 */
export async function untilRoom<R>(deps: Deps, taking: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await taking();
    } catch (error) {
      if (!isProblem(error, 'quota-exceeded') || tries === triesMax || !(await madeRoom(deps, error))) throw error;
    }
  }
}

async function madeRoom(deps: Deps, { facts }: Problem): Promise<boolean> {
  const { scope, dimension, requested } = facts as { scope: string; dimension: string; requested: number };
  const full = placeOf(scope);
  for (;;) {
    const ended = await expireFew(deps, full);
    if ((await findRoom(deps.db.app, { scopeId: full.id, dimension })) >= requested) return true;
    if (ended === 0) return false;
  }
}
