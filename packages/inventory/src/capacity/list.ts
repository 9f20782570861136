import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import type { NodeCapacities } from '@sentral/contracts/inventory/capacity';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findOffers, toCapacity } from './sql.js';

/**
 * What a node has to give of each class.
 * @throws Problem not-found
 */
export async function listNodeCapacities(
  deps: Deps,
  caller: Caller,
  command: Command<'capacity', 'list'>,
): Promise<NodeCapacities> {
  const db = readDb(deps, caller);
  const id = decodeId('nod', command.nodeId);
  const found = await findOffers(db, sightOf(caller), id);
  if (found === undefined) throw problem('not-found', { resourceType: 'node' });
  const { version, rows } = found;
  return {
    nodeId: encodeId('nod', id),
    version,
    items: rows.map((row) => toCapacity(row, version)),
  };
}
