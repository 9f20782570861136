import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { listFiles } from './file-sql.js';
import { toExport } from './resource.js';
import { findExport, type ExportRow } from './sql.js';

/**
 * One export with its files.
 * @throws Problem not-found
 */
export async function getExport(
  deps: Deps,
  caller: Caller,
  command: Command<'export', 'get'>,
): Promise<Result<'export', 'get'>> {
  const row = await exportSeen(deps, caller, command.id);
  return { ...toExport(row), files: [...(await listFiles(deps.db.platform, row.id))] };
}

/**
 * The export, where the caller may see it: who may, may see its files.
 * @throws Problem not-found
 */
export async function exportSeen(deps: Deps, caller: Caller, id: string): Promise<ExportRow> {
  const uuid = decodeId('exp', id);
  const row = await readingAs(deps, caller, (on, visible) => findExport(on, uuid, visible));
  if (row === undefined) throw problem('not-found', { resourceType: 'auditExport' });
  return row;
}
