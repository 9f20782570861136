import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toNode } from '../node/row.js';
import { pageOfShown, readingAt } from '../past.js';
import { readCursor, sightOf } from '../reading.js';
import { startThen } from './found.js';
import { listSubtree } from './sql.js';

/**
 * The node and everything in it, nearest first; as of an instant, what was in it then.
 * @throws Problem not-found, invalid-cursor, invalid-parameter, position-expired
 */
export async function subtreeOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'subtree'>,
): Promise<Result<'node', 'subtree'>> {
  const at = await readingAt(deps, caller, command.asOf);
  const keys = readCursor(command.cursor, ['number', 'uuid']);
  const sight = sightOf(caller);
  const start = await startThen(at, sight, command.id);
  const rows = await at.walk((on) =>
    listSubtree(on, sight, {
      id: start.id,
      depthMax: command.depthMax,
      kinds: command.kind ?? null,
      after: keys === undefined ? undefined : { depth: keys[0] as number, id: keys[1] as string },
      limit: command.limit,
    }),
  );
  return pageOfShown(
    at,
    { noun: 'node', rows, limit: command.limit },
    { item: (row) => ({ ...toNode(row), depth: row.depth }), keys: (row) => [row.depth, row.id] },
  );
}
