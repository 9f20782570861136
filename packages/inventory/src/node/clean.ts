import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Node } from '@sentral/contracts/inventory/node';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { concealed, sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { endCleaning, findLastFence } from './clean-sql.js';
import { toNode } from './row.js';
import { become } from './scrub.js';
import { findNode, lockNodes } from './sql.js';

/**
 * Declares a node clean: whoever wants it may have it at once, though more time was planned for its cleaning.
 * @throws Problem not-found, version-mismatch, state-conflict, fence-stale
 */
export async function cleanNode(deps: Deps, caller: Caller, command: Command<'node', 'clean'>): Promise<Node> {
  const id = decodeId('nod', command.id);
  const sight = sightOf(caller);
  return inChange(deps, caller, async (tx) => {
    const [current] = await lockNodes(tx, sight, [id]);
    if (current === undefined) throw problem('not-found', { resourceType: 'node' });
    await expectVersion(tx, { prefix: 'nod', id, version: current.version }, command.version);
    const allowedStates = ['scrubbing', 'quarantined'];
    if (!allowedStates.includes(current.state))
      throw problem('state-conflict', { nodeId: command.id, state: current.state, allowedStates });
    const currentFence = command.fence === undefined ? 0 : await findLastFence(tx, id);
    if (command.fence !== undefined && command.fence < currentFence)
      throw problem('fence-stale', { providedFence: command.fence, currentFence });
    await endCleaning(tx, id);
    await become(tx, caller, { rows: [current], state: 'available' });
    const row = await findNode(tx, 'everything', id);
    if (row === undefined) throw new Error('a node that was cleaned is not there');
    return concealed(tx, sight, toNode(row));
  });
}
