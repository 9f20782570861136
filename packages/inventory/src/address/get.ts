import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Address } from '@sentral/contracts/inventory/address';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { concealed, readDb, sightOf } from '../reading.js';
import { findAddress, toAddress } from './sql.js';

/**
 * One recorded address, ended ones too.
 * @throws Problem not-found
 */
export async function getAddress(deps: Deps, caller: Caller, command: Command<'address', 'get'>): Promise<Address> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const row = await findAddress(db, sight, decodeId('adr', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'address' });
  return concealed(db, sight, toAddress(row));
}
