import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { AddressBlock } from '@sentral/contracts/inventory/address-block';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAt } from '../past.js';
import { sightOf } from '../reading.js';
import { findBlock, toBlock } from './sql.js';

/**
 * One prefix, ended ones too; as of an instant, as it was then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function getBlock(
  deps: Deps,
  caller: Caller,
  command: Command<'addressBlock', 'get'>,
): Promise<AddressBlock> {
  const at = await readingAt(deps, caller, command.asOf);
  const id = decodeId('blk', command.id);
  const row = await findBlock(at.db, sightOf(caller), id);
  if (row === undefined || !(await at.shows('addressBlock', [id])).has(id))
    throw problem('not-found', { resourceType: 'addressBlock' });
  const [shown = toBlock(row)] = await at.conceal([toBlock(row)]);
  return shown;
}
