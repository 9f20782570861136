import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readCursor, readDb, sightOf } from '../reading.js';
import { selectEdge, toEdge, type EdgeRow } from './sql.js';

/**
 * Live edges by filter, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listEdges(
  deps: Deps,
  caller: Caller,
  command: Command<'edge', 'list'>,
): Promise<Result<'edge', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const q = listOf('edge', sightOf(caller));
  q.and('d.live');
  if (command.edgeType !== undefined) q.and(`d.edge_type = any(${q.value(command.edgeType)}::text[])`);
  if (command.nodeId !== undefined) {
    q.and(
      `d.id in (select x.edge_id from edge_end x where x.node_id = ${q.value(decodeId('nod', command.nodeId))}::uuid and x.live)`,
    );
  }
  if (after !== undefined) q.and(`d.id > ${q.value(after)}::uuid`);
  const text = `${selectEdge} ${q.where()} order by d.id limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly EdgeRow[];
  return page(rows, command.limit, { item: toEdge, keys: (row) => [row.id] });
}
