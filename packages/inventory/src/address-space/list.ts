import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readCursor, readDb, sightOf } from '../reading.js';
import { selectSpace, toSpace, type AddressSpaceRow } from './sql.js';

/**
 * Address spaces, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listSpaces(
  deps: Deps,
  caller: Caller,
  command: Command<'addressSpace', 'list'>,
): Promise<Result<'addressSpace', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const q = listOf('addressSpace', sightOf(caller));
  q.and('s.ended_at is null');
  if (command.name !== undefined) q.and(`s.name = ${q.value(command.name)}`);
  if (after !== undefined) q.and(`s.id > ${q.value(after)}::uuid`);
  const text = `${selectSpace} ${q.where()} order by s.id limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly AddressSpaceRow[];
  return page(rows, command.limit, { item: toSpace, keys: (row) => [row.id] });
}
