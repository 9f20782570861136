import { encodeId } from '@sentral/contracts/ids';
import type { Tx } from '@sentral/kernel/database';
import { seenIds, type Sight } from '../reading.js';

/** Who stands in the way, where the caller may know it. */
export async function conflicting(tx: Tx, sight: Sight, id: string): Promise<{ conflictingId?: string }> {
  const seen = await seenIds(tx, sight, { noun: 'node', ids: [id] });
  return seen.has(id) ? { conflictingId: encodeId('nod', id) } : {};
}
