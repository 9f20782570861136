import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { expectVersion } from '@sentral/kernel/change';
import { inChange, recordChange, schemaName } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { visibleOf } from '../reading.js';
import { toExport } from './resource.js';
import { amendExport, deleteExportFiles, lockExport, type ExportRow } from './sql.js';

/**
 * Takes away the files of an export that is ready; that there was one stays.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function removeExport(
  deps: Deps,
  caller: Caller,
  { id, version }: Command<'export', 'remove'>,
): Promise<Result<'export', 'remove'>> {
  return inChange(deps, caller, async (tx) => {
    const row = await lockExport(tx, decodeId('exp', id), visibleOf(caller));
    if (row === undefined) throw problem('not-found', { resourceType: 'auditExport' });
    const current = { prefix: 'exp' as const, id: row.id, version: row.version };
    await expectVersion(tx, schemaName, { current, provided: version });
    if (row.state === 'deleted') return toExport(row);
    if (row.state !== 'ready') throw problem('state-conflict', { state: row.state, allowedStates: ['ready'] });
    return toExport((await ended(tx, caller, row, 'deleted')).row);
  });
}

/** Its files go in the transaction that says so; whether there were any. */
export async function ended(
  tx: Tx,
  caller: Caller,
  before: ExportRow,
  state: 'cancelled' | 'expired' | 'deleted',
): Promise<{ readonly row: ExportRow; readonly found: boolean }> {
  const found = await deleteExportFiles(tx, before.id);
  const row = await amendExport(tx, before.id, { state });
  await recordChange(tx, caller, {
    what: `export.${state}`,
    row,
    before: toExport(before),
    after: toExport(row),
  });
  return { row, found };
}
