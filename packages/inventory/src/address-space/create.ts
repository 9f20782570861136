import type { Caller } from '@sentral/contracts/contract';
import type { AddressSpace } from '@sentral/contracts/inventory/address-space';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findSpace, insertSpace, toSpace } from './sql.js';

/**
 * Creates a routing table of its own.
 * @throws Problem already-exists
 */
export async function createSpace(
  deps: Deps,
  caller: Caller,
  command: Command<'addressSpace', 'create'>,
): Promise<AddressSpace> {
  const id = deps.newId();
  return inChange(deps, caller, (tx) => created({ tx, caller, id }, command));
}

async function created(
  { tx, caller, id }: { tx: Tx; caller: Caller; id: string },
  command: Command<'addressSpace', 'create'>,
): Promise<AddressSpace> {
  await insertSpace(tx, { id, ...command });
  const row = await findSpace(tx, 'everything', id);
  if (row === undefined) throw new Error('a space that was inserted is not there');
  const after = toSpace(row);
  await recordChanges(tx, caller, [{ what: 'addressSpace.created', id, version: row.version, after }]);
  return after;
}
