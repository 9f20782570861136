import type { Caller } from '@sentral/contracts/contract';
import { page, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { listLegalHoldRows, toLegalHold } from './sql.js';

/**
 * Legal holds that the caller may see.
 * @throws Problem invalid-cursor
 */
export async function listLegalHolds(
  deps: Deps,
  caller: Caller,
  { ended, cursor, limit }: Command<'legalHold', 'list'>,
): Promise<Result<'legalHold', 'list'>> {
  const [after] = readCursor(cursor, ['uuid']) ?? [];
  const rows = await readingAs(deps, caller, (on, visible) =>
    listLegalHoldRows(on, { visible, ended, after: after as string | undefined, limit: limit + 1 }),
  );
  return page(rows, limit, { item: toLegalHold, keys: (row) => [row.id] });
}
