import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { page, query, readCursor } from '@sentral/kernel/page';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { toLog } from './resource.js';
import { logColumns, type LogRow } from './sql.js';

/**
 * Logs that the caller may see, in the order in which they were opened.
 * @throws Problem invalid-cursor
 */
export async function listLogs(
  deps: Deps,
  caller: Caller,
  { tenantId, cursor, limit }: Command<'log', 'list'>,
): Promise<Result<'log', 'list'>> {
  const [after] = readCursor(cursor, ['uuid']) ?? [];
  const q = query();
  if (tenantId !== undefined) q.and(`l.tenant_id = ${q.value(decodeId('tnt', tenantId))}::uuid`);
  if (after !== undefined) q.and(`l.id > ${q.value(after)}::uuid`);
  const rows = await readingAs(deps, caller, async (on, visible) => {
    if (visible !== 'all')
      q.and(
        `(l.tenant_id = any(${q.value(visible.tenantIds)}::uuid[])${visible.platform ? ' or l.tenant_id is null' : ''})`,
      );
    const text = `select ${logColumns} from audit.log l ${q.where()} order by l.id limit ${limit + 1}`;
    return (await on.unsafe(text, q.params)) as unknown as readonly LogRow[];
  });
  return page(rows, limit, { item: toLog, keys: (row) => [row.id] });
}
