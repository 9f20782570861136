import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readCursor, readDb, sightOf } from '../reading.js';
import { selectRange, toRange, type NumberRangeRow } from './sql.js';

/**
 * Ranges by filter, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listRanges(
  deps: Deps,
  caller: Caller,
  command: Command<'numberRange', 'list'>,
): Promise<Result<'numberRange', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const q = listOf('numberRange', sightOf(caller));
  q.and('r.ended_at is null');
  if (command.domainId !== undefined) q.and(`r.domain_id = ${q.value(decodeId('ndm', command.domainId))}::uuid`);
  if (after !== undefined) q.and(`r.id > ${q.value(after)}::uuid`);
  const text = `${selectRange} ${q.where()} order by r.id limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly NumberRangeRow[];
  return page(rows, command.limit, { item: toRange, keys: (row) => [row.id] });
}
