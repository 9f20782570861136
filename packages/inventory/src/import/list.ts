import type { Caller } from '@sentral/contracts/contract';
import { query } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { page, sorted } from '../reading.js';
import { toImport } from './row.js';
import { selectImport, type ImportRow } from './sql.js';

/**
 * Imports, the newest first unless told.
 * @throws Problem invalid-cursor
 */
export async function listImports(
  deps: Deps,
  caller: Caller,
  command: Command<'import', 'list'>,
): Promise<Result<'import', 'list'>> {
  if (!('all' in caller.readScope)) return { items: [] };
  const asked = query();
  const order = sorted(asked, { ...command, id: 'id', by: {} });
  if (command.state !== undefined) asked.and(`state = any(${asked.value(command.state)}::text[])`);
  const rows = (await deps.db.platform.unsafe(
    `${selectImport} ${asked.where()} ${order.orderBy} limit ${asked.value(command.limit + 1)}`,
    [...asked.params],
  )) as unknown as readonly ImportRow[];
  return page(rows, command.limit, { item: toImport, keys: order.keys });
}
