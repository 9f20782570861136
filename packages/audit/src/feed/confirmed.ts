import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { findConfirmedPos, findStop } from '../sequence/sql.js';

/**
 * How far the feed of a context is on record: what lies up to there may be dropped, in its time.
 * @throws Problem permission-denied
 */
export async function confirmedFeed(
  deps: Deps,
  caller: Caller,
  command: { producer: string },
): Promise<{ pos: number; stopped?: string }> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'audit.feed.read' });
  const pos = await findConfirmedPos(deps.db.platform, command.producer);
  const stopped = await findStop(deps.db.platform, command.producer);
  return { pos, ...(stopped === undefined ? {} : { stopped }) };
}
