import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { expectVersion } from '../version.js';
import { toImport } from './row.js';
import { findImport, lockImport } from './sql.js';

/**
 * Stops an import that has not ended: what its worker has not committed is undone, which is all of it.
 * @throws Problem not-found, version-mismatch, state-conflict
 */
export async function cancelImport(deps: Deps, caller: Caller, command: Command<'import', 'cancel'>): Promise<Import> {
  const id = decodeId('imp', command.id);
  return inChange(deps, caller, async (tx) => {
    const current = await lockImport(tx, id);
    if (current === undefined) throw problem('not-found', { resourceType: 'import' });
    await expectVersion(tx, { prefix: 'imp', id, version: current.version }, command.version);
    if (current.endedAt !== null)
      throw problem('state-conflict', { state: current.state, allowed: ['staging', 'queued', 'running'] });
    await tx.sql`delete from import_chunk where import_id = ${id}`;
    await tx.sql`update import set state = 'cancelled', claimed_until = null, ended_at = now(), version = version + 1, updated_at = now() where id = ${id}`;
    const row = await findImport(tx, id);
    if (row === undefined) throw new Error('an import that was cancelled is not there');
    return toImport(row);
  });
}
