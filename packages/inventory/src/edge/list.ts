import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pageOfShown, readingAt } from '../past.js';
import { listOf, sightOf, sorted } from '../reading.js';
import { selectEdge, toEdge, type EdgeRow } from './sql.js';

/**
 * Live edges by filter, ordered by id unless told; as of an instant, those that were live then.
 * @throws Problem invalid-cursor, invalid-parameter, position-expired
 */
export async function listEdges(
  deps: Deps,
  caller: Caller,
  command: Command<'edge', 'list'>,
): Promise<Result<'edge', 'list'>> {
  const at = await readingAt(deps, caller, command.asOf);
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
  const rows = (await at.db.unsafe(text, q.params)) as unknown as readonly EdgeRow[];
  return pageOfShown(at, { noun: 'edge', rows, limit: command.limit }, { item: toEdge, keys: order.keys });
}
