import { decodeId, type Id } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { findNode } from '../node/sql.js';
import type { NodeRow } from '../node/row.js';
import type { Reading } from '../past.js';
import type { Asks, Sight } from '../reading.js';

/**
 * The node that a walk begins at.
 * @throws Problem not-found
 */
export async function startOfWalk(db: Asks, sight: Sight, id: Id<'nod'>): Promise<NodeRow> {
  const row = await findNode(db, sight, decodeId('nod', id));
  if (row === undefined) throw problem('not-found', { resourceType: 'node' });
  return row;
}

/**
 * The same, as of an instant.
 * @throws Problem not-found
 */
export async function startThen(at: Reading, sight: Sight, id: Id<'nod'>): Promise<NodeRow> {
  const row = await startOfWalk(at.db, sight, id);
  if (!(await at.shows('node', [row.id])).has(row.id)) throw problem('not-found', { resourceType: 'node' });
  return row;
}
