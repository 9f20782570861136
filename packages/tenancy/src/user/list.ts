import type { Caller } from '@sentral/contracts/contract';
import { page, query, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { selectUser, toUser, type UserRow } from './sql.js';

/**
 * Users, ordered by id. They belong to no tenant: the facade lets only the platform ask.
 * @throws Problem invalid-cursor
 */
export async function listUsers(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'list'>,
): Promise<Result<'user', 'list'>> {
  const after = readCursor(command.cursor, ['uuid'])?.[0];
  const { readScope } = caller;
  if (!('all' in readScope) && readScope.platform !== true) return { items: [] };
  const q = query();
  q.and(`u.kind = 'user'`);
  if (command.issuer !== undefined) q.and(`u.issuer = ${q.value(command.issuer)}`);
  if (command.subject !== undefined) q.and(`u.subject = ${q.value(command.subject)}`);
  if (command.state !== undefined) q.and(`u.state = ${q.value(command.state)}`);
  if (after !== undefined) q.and(`u.id > ${q.value(after)}::uuid`);
  const rows = await deps.db.platform.unsafe(
    `${selectUser} ${q.where()} order by u.id limit ${q.value(command.limit + 1)}`,
    q.params,
  );
  return page(rows as unknown as readonly UserRow[], command.limit, { item: toUser, keys: (row) => [row.id] });
}
