import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { toSummary } from '../node/row.js';
import { page, readCursor, readDb, sightOf } from '../reading.js';
import { startOfWalk } from './found.js';
import { listNeighbors } from './sql.js';

/**
 * What the node, or a component of it, shares an edge with.
 * @throws Problem not-found, invalid-cursor
 */
export async function neighborsOfNode(
  deps: Deps,
  caller: Caller,
  command: Command<'node', 'neighbors'>,
): Promise<Result<'node', 'neighbors'>> {
  const db = readDb(deps, caller);
  const keys = readCursor(command.cursor, ['uuid', 'uuid']);
  const sight = sightOf(caller);
  const start = await startOfWalk(db, sight, command.id);
  const rows = await listNeighbors(db, sight, {
    id: start.id,
    edgeTypes: command.edgeType ?? null,
    throughComponents: command.throughComponents,
    after: keys === undefined ? undefined : { edgeId: keys[0] as string, nodeId: keys[1] as string },
    limit: command.limit,
  });
  return page(rows, command.limit, {
    item: (row) => ({
      edgeId: encodeId('edg', row.edgeId),
      edgeType: row.edgeType,
      side: row.side,
      via: toSummary(row.via),
      node: toSummary(row.node),
      ...(row.owner === null ? {} : { owner: toSummary(row.owner) }),
    }),
    keys: (row) => [row.edgeId, row.node.id],
  });
}
