import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Edge } from '@sentral/contracts/inventory/edge';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAt } from '../past.js';
import { sightOf } from '../reading.js';
import { findEdge, toEdge } from './sql.js';

/**
 * One edge, ended ones too; as of an instant, as it was then.
 * @throws Problem not-found, invalid-parameter, position-expired
 */
export async function getEdge(deps: Deps, caller: Caller, command: Command<'edge', 'get'>): Promise<Edge> {
  const at = await readingAt(deps, caller, command.asOf);
  const id = decodeId('edg', command.id);
  const row = await findEdge(at.db, sightOf(caller), id);
  if (row === undefined || !(await at.shows('edge', [id])).has(id))
    throw problem('not-found', { resourceType: 'edge' });
  return toEdge(row);
}
