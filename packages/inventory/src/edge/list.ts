import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectEdge, toEdge, type EdgeRow } from './sql.js';

/**
 * Live edges by filter, ordered by id unless told.
 * @throws Problem invalid-cursor
 */
export async function listEdges(
  deps: Deps,
  caller: Caller,
  command: Command<'edge', 'list'>,
): Promise<Result<'edge', 'list'>> {
  const q = listOf('edge', sightOf(caller));
  q.and('d.live');
  if (command.edgeType !== undefined) q.and(`d.edge_type = any(${q.value(command.edgeType)}::text[])`);
  if (command.nodeId !== undefined) {
    q.and(
      `d.id in (select x.edge_id from edge_end x where x.node_id = ${q.value(decodeId('nod', command.nodeId))}::uuid and x.live)`,
    );
  }
  const order = sorted(q, { ...command, id: 'd.id', by: { createdAt: { by: 'd.created_at', gives: 'timestamptz' } } });
  const text = `${order.select(selectEdge)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly EdgeRow[];
  return page(rows, command.limit, { item: toEdge, keys: order.keys });
}
