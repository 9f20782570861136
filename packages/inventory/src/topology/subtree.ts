import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toNode } from '../node/row.js';
import { conceal, page, readCursor, readDb, sightOf } from '../reading.js';
import { startOfWalk } from './found.js';
import { listSubtree } from './sql.js';

/**
 * The node and everything in it, nearest first.
 * @throws Problem not-found, invalid-cursor
 */
export async function subtreeOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'subtree'>,
): Promise<Result<'node', 'subtree'>> {
  const db = readDb(deps, caller);
  const keys = readCursor(command.cursor, ['number', 'uuid']);
  const sight = sightOf(caller);
  const start = await startOfWalk(db, sight, command.id);
  const rows = await listSubtree(db, sight, {
    id: start.id,
    depthMax: command.depthMax,
    kinds: command.kind ?? null,
    after: keys === undefined ? undefined : { depth: keys[0] as number, id: keys[1] as string },
    limit: command.limit,
  });
  const found = page(rows, command.limit, {
    item: (row) => ({ ...toNode(row), depth: row.depth }),
    keys: (row) => [row.depth, row.id],
  });
  return { ...found, items: await conceal(db, sight, found.items) };
}
