import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { listHoldersInside } from './sql.js';

/**
 * What somebody holds stays in the pool that it was given out of; a reshape alone moves it with its holders.
 * @throws Problem has-dependents
 */
export async function refuseLeaving(tx: Tx, caller: Caller, nodeIds: readonly string[]): Promise<void> {
  if (nodeIds.length === 0) return;
  const holders = await listHoldersInside(tx, caller, nodeIds);
  if (holders.length === 0) return;
  const ids = holders.filter(({ seen }) => seen).map(({ id }) => encodeId('alc', id));
  const dependents = ids.length === 0 ? [] : [{ type: 'allocation', count: ids.length, ids: ids.slice(0, 20) }];
  throw problem('has-dependents', { dependents }, 'It is held, and would leave the pool that it was given out of.');
}
