import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findPool, listPoolCapacity } from './sql.js';

/**
 * What the members that the caller sees have of each class, and how much of it is used.
 * @throws Problem not-found
 */
export async function capacityOfPool(
  deps: Deps,
  caller: Caller,
  command: Command<'pool', 'capacity'>,
): Promise<Result<'pool', 'capacity'>> {
  const [db, sight] = [readDb(deps, caller), sightOf(caller)];
  const id = decodeId('pol', command.id);
  if ((await findPool(db, sight, id)) === undefined) throw problem('not-found', { resourceType: 'pool' });
  return { poolId: encodeId('pol', id), items: [...(await listPoolCapacity(db, sight, id))] };
}
