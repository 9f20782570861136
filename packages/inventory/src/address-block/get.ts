import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb } from '../reading.js';
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
  const row = await findBlock(readDb(deps, caller), decodeId('blk', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'addressBlock' });
  return toBlock(row);
}
