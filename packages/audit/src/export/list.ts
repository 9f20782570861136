import type { Caller } from '@sentral/contracts/contract';
import { page, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { toExport } from './resource.js';
import { listExportRows } from './sql.js';

/**
 * Exports that the caller may see, the newest first.
 * @throws Problem invalid-cursor
 */
export async function listExports(
  deps: Deps,
  caller: Caller,
  { state: states, cursor, limit }: Command<'export', 'list'>,
): Promise<Result<'export', 'list'>> {
  const [before] = readCursor(cursor, ['uuid']) ?? [];
  const rows = await readingAs(deps, caller, (on, visible) =>
    listExportRows(on, { visible, states, before: before as string | undefined, limit: limit + 1 }),
  );
  return page(rows, limit, { item: toExport, keys: (row) => [row.id] });
}
