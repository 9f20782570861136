import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toNode } from '../node/row.js';
import { readingAt } from '../past.js';
import { sightOf } from '../reading.js';
import { startThen } from './found.js';
import { listAncestors } from './sql.js';

/**
 * What the node lies in, its parent first, the root last; as of an instant, what it lay in then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function ancestorsOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'ancestors'>,
): Promise<Result<'node', 'ancestors'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const sight = sightOf(caller);
  const start = await startThen(at, sight, command.id);
  const rows = await listAncestors(at.db, sight, start.id);
  const shown = await at.shows(
    'node',
    rows.map(({ id }) => id),
  );
  return { items: await at.conceal(rows.filter(({ id }) => shown.has(id)).map(toNode)) };
}
