import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toNode } from '../node/row.js';
import { conceal, readDb, sightOf } from '../reading.js';
import { startOfWalk } from './found.js';
import { listAncestors } from './sql.js';

/**
 * What the node lies in, its parent first, the root last.
 * @throws Problem not-found
 */
export async function ancestorsOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'ancestors'>,
): Promise<Result<'node', 'ancestors'>> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const start = await startOfWalk(db, sight, command.id);
  return { items: await conceal(db, sight, (await listAncestors(db, sight, start.id)).map(toNode)) };
}
