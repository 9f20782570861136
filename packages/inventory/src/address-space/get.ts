import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressSpace } from '@sentral/contracts/inventory/address-space';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findSpace, toSpace } from './sql.js';

/**
 * One address space.
 * @throws Problem not-found
 */
export async function getSpace(
  deps: Deps,
  caller: Caller,
  command: Command<'addressSpace', 'get'>,
): Promise<AddressSpace> {
  const row = await findSpace(readDb(deps, caller), sightOf(caller), decodeId('spc', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'addressSpace' });
  return toSpace(row);
}
