import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectFinding, toFinding, type FindingRow } from './resource.js';

/**
 * Findings by filter, ordered by id; resolved ones only where asked for by state.
 * @throws Problem invalid-cursor
 */
export async function listFindings(
  deps: Deps,
  caller: Caller,
  command: Command<'finding', 'list'>,
): Promise<Result<'finding', 'list'>> {
  const q = listOf('finding', sightOf(caller));
  // Said as the index of what waits for its end says it.
  if (command.state?.includes('resolved') !== true) q.and(`f.state <> 'resolved'`);
  if (command.state !== undefined) q.and(`f.state = any(${q.value(command.state)}::text[])`);
  if (command.kind !== undefined) q.and(`f.kind = any(${q.value(command.kind)}::text[])`);
  if (command.source !== undefined) q.and(`f.source = ${q.value(command.source)}`);
  if (command.nodeId !== undefined) q.and(`f.node_id = ${q.value(decodeId('nod', command.nodeId))}::uuid`);
  const order = sorted(q, { sort: 'id', cursor: command.cursor, id: 'f.id', by: {} });
  const text = `${selectFinding} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly FindingRow[];
  return page(rows, command.limit, { item: toFinding, keys: order.keys });
}
