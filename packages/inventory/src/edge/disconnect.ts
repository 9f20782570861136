import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Edge } from '@sentral/contracts/inventory/edge';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { endEdge, findEdge, lockEdge, toEdge } from './sql.js';

/**
 * Ends an edge; its ports are free again.
 * @throws Problem not-found, version-mismatch
 */
export async function disconnectNodes(
  deps: Deps,
  caller: Caller,
  command: Command<'edge', 'disconnect'>,
): Promise<Edge> {
  return inChange(deps, caller, (tx) => disconnected(tx, caller, command));
}

export async function disconnected(tx: Tx, caller: Caller, command: Command<'edge', 'disconnect'>): Promise<Edge> {
  const id = decodeId('edg', command.id);
  const current = await lockEdge(tx, sightOf(caller), id);
  if (current === undefined || !current.live) throw problem('not-found', { resourceType: 'edge' });
  await expectVersion(tx, { prefix: 'edg', id, version: current.version }, command.version);
  await endEdge(tx, id);
  const row = await findEdge(tx, 'everything', id);
  if (row === undefined) throw new Error('an edge that was ended is not there');
  const after = toEdge(row);
  await recordChanges(tx, caller, [
    { what: 'edge.disconnected', id, version: row.version, before: toEdge(current), after },
  ]);
  return after;
}
