import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { conceal, listOf, page, readDb, sightOf, sorted } from '../reading.js';
import { selectDomain, toDomain, type NumberDomainRow } from './sql.js';

/**
 * Number domains by filter, ordered by id unless told.
 * @throws Problem invalid-cursor
 */
export async function listDomains(
  deps: Deps,
  caller: Caller,
  command: Command<'numberDomain', 'list'>,
): Promise<Result<'numberDomain', 'list'>> {
  const sight = sightOf(caller);
  const q = listOf('numberDomain', sight);
  q.and('d.ended_at is null');
  if (command.name !== undefined) q.and(`d.name = ${q.value(command.name)}`);
  if (command.kind !== undefined) q.and(`d.kind = ${q.value(command.kind)}`);
  if (command.pooled !== undefined) q.and(`d.pooled = ${q.value(command.pooled)}`);
  const order = sorted(q, {
    ...command,
    id: 'd.id',
    by: { name: { by: 'd.name collate "C"', gives: 'text' } },
  });
  const text = `${order.select(selectDomain)} ${q.where()} ${order.orderBy} limit ${q.value(command.limit + 1)}`;
  const db = readDb(deps, caller);
  const rows = (await db.unsafe(text, q.params)) as unknown as readonly NumberDomainRow[];
  const found = page(rows, command.limit, { item: toDomain, keys: order.keys });
  return { ...found, items: await conceal(db, sight, found.items) };
}
