import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs, seesAllocation } from '../reading.js';
import { heldThen } from './past.js';
import { toAllocation } from './resource.js';
import { findAllocation, listItems } from './sql.js';

/**
 * One allocation that the caller may see; past its expiry it is shown as expired. As of an instant, as it was then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function getAllocation(
  deps: Deps,
  caller: Caller,
  command: Command<'allocation', 'get'>,
): Promise<Allocation> {
  const then = await heldThen(deps, command.asOf);
  return readingAs(deps, caller, async (connection) => {
    const on = then(connection);
    const row = await findAllocation(on, decodeId('alc', command.id));
    if (row === undefined || !seesAllocation(caller, row)) throw problem('not-found', { resourceType: 'allocation' });
    return toAllocation(row, await listItems(on, [row.id]));
  });
}
