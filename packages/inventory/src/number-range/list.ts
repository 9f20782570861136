import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectRange, toRange, type NumberRangeRow } from './sql.js';

/**
 * Ranges by filter, ordered by id unless told.
 * @throws Problem invalid-cursor
 */
export async function listRanges(
  deps: Deps,
  caller: Caller,
  command: Command<'numberRange', 'list'>,
): Promise<Result<'numberRange', 'list'>> {
  const q = listOf('numberRange', sightOf(caller));
  q.and('r.ended_at is null');
  if (command.domainId !== undefined) q.and(`r.domain_id = ${q.value(decodeId('ndm', command.domainId))}::uuid`);
  const order = sorted(q, { ...command, id: 'r.id', by: { start: { by: 'lower(r.numbers)', gives: 'bigint' } } });
  const text = `${order.select(selectRange)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly NumberRangeRow[];
  return page(rows, command.limit, { item: toRange, keys: order.keys });
}
