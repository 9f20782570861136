import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectObservation, toObservation, type ObservationRow } from './sql.js';

/**
 * The newest that each source has told of each node.
 * @throws Problem invalid-cursor
 */
export async function listObservations(
  deps: Deps,
  caller: Caller,
  command: Command<'observation', 'list'>,
): Promise<Result<'observation', 'list'>> {
  const q = listOf('observation', sightOf(caller));
  if (command.nodeId !== undefined) q.and(`o.node_id = ${q.value(decodeId('nod', command.nodeId))}::uuid`);
  if (command.source !== undefined) q.and(`o.source = ${q.value(command.source)}`);
  const order = sorted(q, { sort: 'id', cursor: command.cursor, id: 'o.id', by: {} });
  const text = `${selectObservation} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly ObservationRow[];
  return page(rows, command.limit, { item: toObservation, keys: order.keys });
}
