import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Address } from '@sentral/contracts/inventory/address';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { refuseHeld } from '../projection/holds.js';
import { concealed, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { endAddress, findAddress, giveHostBack, lockAddress, toAddress } from './sql.js';

/**
 * Ends a recorded address; the host is free again after the cool-down of its space.
 * @throws Problem not-found, version-mismatch
 */
export async function removeAddress(
  deps: Deps,
  caller: Caller,
  command: Command<'address', 'remove'>,
): Promise<Address> {
  return inChange(deps, caller, (tx) => removed(tx, caller, command));
}

async function removed(tx: Tx, caller: Caller, command: Command<'address', 'remove'>): Promise<Address> {
  const id = decodeId('adr', command.id);
  const sight = sightOf(caller);
  const current = await lockAddress(tx, sight, id);
  if (current === undefined || current.endedAt !== null) throw problem('not-found', { resourceType: 'address' });
  await expectVersion(tx, { prefix: 'adr', id, version: current.version }, command.version);
  await refuseHeld(tx, command.id);
  await endAddress(tx, id);
  await giveHostBack(tx, id);
  const row = await findAddress(tx, 'everything', id);
  if (row === undefined) throw new Error('an address that was ended is not there');
  const after = toAddress(row);
  await recordChanges(tx, caller, [
    { what: 'address.removed', id, version: row.version, before: toAddress(current), after },
  ]);
  return concealed(tx, sight, after);
}
