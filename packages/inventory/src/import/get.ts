import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Import } from '@sentral/contracts/inventory/import';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { toImport } from './row.js';
import { findImport } from './sql.js';

/**
 * One import with its progress.
 * @throws Problem not-found
 */
export async function getImport(deps: Deps, caller: Caller, command: Command<'import', 'get'>): Promise<Import> {
  // What is imported belongs to the platform; who may see only tenants sees no import.
  const row = 'all' in caller.readScope ? await findImport(deps.db.platform, decodeId('imp', command.id)) : undefined;
  if (row === undefined) throw problem('not-found', { resourceType: 'import' });
  return toImport(row);
}
