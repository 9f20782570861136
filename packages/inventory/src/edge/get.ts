import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Edge } from '@sentral/contracts/inventory/edge';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findEdge, toEdge } from './sql.js';

/**
 * One edge, ended ones too.
 * @throws Problem not-found
 */
export async function getEdge(deps: Deps, caller: Caller, command: Command<'edge', 'get'>): Promise<Edge> {
  const row = await findEdge(readDb(deps, caller), sightOf(caller), decodeId('edg', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'edge' });
  return toEdge(row);
}
