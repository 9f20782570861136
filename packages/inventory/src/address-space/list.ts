import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectSpace, toSpace, type AddressSpaceRow } from './sql.js';

/**
 * Address spaces, ordered by id unless told.
 * @throws Problem invalid-cursor
 */
export async function listSpaces(
  deps: Deps,
  caller: Caller,
  command: Command<'addressSpace', 'list'>,
): Promise<Result<'addressSpace', 'list'>> {
  const q = listOf('addressSpace', sightOf(caller));
  q.and('s.ended_at is null');
  if (command.name !== undefined) q.and(`s.name = ${q.value(command.name)}`);
  const order = sorted(q, {
    ...command,
    id: 's.id',
    by: { name: { by: 's.name collate "C"', gives: 'text' } },
  });
  const text = `${order.select(selectSpace)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const rows = (await readDb(deps, caller).unsafe(text, q.params)) as unknown as readonly AddressSpaceRow[];
  return page(rows, command.limit, { item: toSpace, keys: order.keys });
}
