import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, readCursor, readDb } from '../reading.js';
import { listClasses, toClass } from './sql.js';

/**
 * The classes of capacity, ordered by key.
 * @throws Problem invalid-cursor
 */
export async function listAllClasses(
  deps: Deps,
  caller: Caller,
  command: Command<'resourceClass', 'list'>,
): Promise<Result<'resourceClass', 'list'>> {
  const after = readCursor(command.cursor, ['text'])?.[0] ?? null;
  const rows = await listClasses(readDb(deps, caller), { after: after as string | null, limit: command.limit });
  return page(rows, command.limit, { item: toClass, keys: (row) => [row.key] });
}
