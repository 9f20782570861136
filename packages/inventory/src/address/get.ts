import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Address } from '@sentral/contracts/inventory/address';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAt } from '../past.js';
import { sightOf } from '../reading.js';
import { findAddress, toAddress } from './sql.js';

/**
 * One recorded address, ended ones too; as of an instant, as it was then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function getAddress(deps: Deps, caller: Caller, command: Command<'address', 'get'>): Promise<Address> {
  const at = await readingAt(deps, caller, command.asOf);
  const id = decodeId('adr', command.id);
  const row = await findAddress(at.db, sightOf(caller), id);
  if (row === undefined || !(await at.shows('address', [id])).has(id))
    throw problem('not-found', { resourceType: 'address' });
  const [shown = toAddress(row)] = await at.conceal([toAddress(row)]);
  return shown;
}
