import type { Caller } from '@sentral/contracts/contract';
import type { Import } from '@sentral/contracts/inventory/import';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { toImport } from './row.js';
import { findImport, insertImport } from './sql.js';

/** Opens an import of a source; its file is staged in pieces and then started. */
export async function createImport(deps: Deps, caller: Caller, command: Command<'import', 'create'>): Promise<Import> {
  const id = deps.newId();
  const dryRun = command.dryRun || caller.dryRun === true;
  // A dry run of an import is an import too, kept and asked after like any other: only what it would write is undone.
  return inChange(deps, { ...caller, dryRun: false }, async (tx) => {
    await insertImport(tx, { ...command, id, dryRun, principalId: caller.principal.id });
    const row = await findImport(tx, id);
    if (row === undefined) throw new Error('an import that was inserted is not there');
    return toImport(row);
  });
}
