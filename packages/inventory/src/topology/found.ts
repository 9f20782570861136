import { decodeId, type Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Database } from '@sentral/kernel/database';
import { findNode } from '../node/sql.js';
import type { NodeRow } from '../node/row.js';
import type { Sight } from '../reading.js';

/**
 * The node that a walk begins at.
 * @throws Problem not-found
 */
export async function startOfWalk(db: Database, sight: Sight, id: Id<'nod'>): Promise<NodeRow> {
  const row = await findNode(db, sight, decodeId('nod', id));
  if (row === undefined) throw problem('not-found', { resourceType: 'node' });
  return row;
}
