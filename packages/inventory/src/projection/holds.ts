import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';
import { schemaName } from '../change.js';
import { holdsName, listHolds } from './sql.js';

/**
 * What a lien lies on is not deleted and not moved. Setting a lien and asking for it pass one after another, so whoever was
 * told that it holds can rely on it.
 * @throws Problem blocked-by-hold
 */
export async function refuseHeld(tx: Tx, resourceId: string): Promise<void> {
  await lockName(tx, schemaName, holdsName);
  const holds = await listHolds(tx, resourceId);
  if (holds.length > 0) throw problem('blocked-by-hold', { holds });
}
