import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { conceal, listOf, page, readCursor, readDb, sightOf } from '../reading.js';
import { selectDomain, toDomain, type NumberDomainRow } from './sql.js';

/**
 * Number domains by filter, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listDomains(
  deps: Deps,
  caller: Caller,
  command: Command<'numberDomain', 'list'>,
): Promise<Result<'numberDomain', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const sight = sightOf(caller);
  const q = listOf('numberDomain', sight);
  q.and('d.ended_at is null');
  if (command.name !== undefined) q.and(`d.name = ${q.value(command.name)}`);
  if (command.kind !== undefined) q.and(`d.kind = ${q.value(command.kind)}`);
  if (command.pooled !== undefined) q.and(`d.pooled = ${q.value(command.pooled)}`);
  if (after !== undefined) q.and(`d.id > ${q.value(after)}::uuid`);
  const text = `${selectDomain} ${q.where()} order by d.id limit ${q.value(command.limit + 1)}`;
  const db = readDb(deps, caller);
  const rows = (await db.unsafe(text, q.params)) as unknown as readonly NumberDomainRow[];
  const found = page(rows, command.limit, { item: toDomain, keys: (row) => [row.id] });
  return { ...found, items: await conceal(db, sight, found.items) };
}
