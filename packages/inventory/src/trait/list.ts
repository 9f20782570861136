import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, readCursor, readDb } from '../reading.js';
import { listTraitRows, toTrait } from './sql.js';

/**
 * The traits that nodes can have, ordered by key.
 * @throws Problem invalid-cursor
 */
export async function listTraits(
  deps: Deps,
  caller: Caller,
  command: Command<'trait', 'list'>,
): Promise<Result<'trait', 'list'>> {
  const after = readCursor(command.cursor, ['text'])?.[0] ?? null;
  const rows = await listTraitRows(readDb(deps, caller), { after: after as string | null, limit: command.limit });
  return page(rows, command.limit, { item: toTrait, keys: (row) => [row.key] });
}
