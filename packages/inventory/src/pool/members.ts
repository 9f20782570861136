import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Command } from '../command.js';
import { lockNodesAsTheyAre } from '../node/sql.js';
import type { Sight } from '../reading.js';
import type { Member } from './sql.js';

/**
 * Members as they may be: nodes that are seen and not retired, and do not retire before they are in.
 * @throws Problem reference-not-found
 */
export async function membersOf(
  tx: Tx,
  sight: Sight,
  { members, pointer }: { members: Command<'pool', 'create'>['members']; pointer: string },
): Promise<readonly Member[]> {
  const wanted = members.map(({ nodeId, shares }) => ({ nodeId: decodeId('nod', nodeId), shares }));
  if (wanted.length === 0) return [];
  const nodes = await lockNodesAsTheyAre(
    tx,
    sight,
    wanted.map(({ nodeId }) => nodeId),
  );
  const there = new Set(nodes.filter(({ state }) => state !== 'retired').map(({ id }) => id));
  const missing = wanted.findIndex(({ nodeId }) => !there.has(nodeId));
  if (missing >= 0)
    throw problem('reference-not-found', { pointer: `${pointer}/${missing}/nodeId`, resourceType: 'node' });
  return wanted;
}
