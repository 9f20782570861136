import type { Caller } from '@sentral/contracts/contract';
import type { Deps } from '../deps.js';
import { page, readCursor, readDb } from '../reading.js';
import { listKinds, toKind } from './sql.js';

/**
 * The kinds that a node can have.
 * @throws Problem invalid-cursor
 */
export async function listAllKinds(
  deps: Deps,
  caller: Caller,
  command: { category?: string | undefined; limit: number; cursor?: string | undefined },
) {
  const after = readCursor(command.cursor, ['text'])?.[0] ?? null;
  const rows = await listKinds(readDb(deps, caller), {
    category: command.category ?? null,
    after: after as string | null,
    limit: command.limit,
  });
  return page(rows, command.limit, { item: toKind, keys: (row) => [row.key] });
}
