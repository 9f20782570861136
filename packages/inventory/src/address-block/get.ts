import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { concealed, readDb, sightOf } from '../reading.js';
import { findBlock, toBlock } from './sql.js';

/**
 * One prefix, ended ones too.
 * @throws Problem not-found
 */
export async function getBlock(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'get'>,
): Promise<AddressBlock> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const row = await findBlock(db, sight, decodeId('blk', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'addressBlock' });
  return concealed(db, sight, toBlock(row));
}
