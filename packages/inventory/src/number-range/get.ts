import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberRange } from '@sentral/contracts/inventory/number-range';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findRange, toRange } from './sql.js';

/**
 * One range.
 * @throws Problem not-found
 */
export async function getRange(
  deps: Deps,
  caller: Caller,
  command: Command<'numberRange', 'get'>,
): Promise<NumberRange> {
  const row = await findRange(readDb(deps, caller), sightOf(caller), decodeId('rng', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'numberRange' });
  return toRange(row);
}
