import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { lockNameShared } from '@sentral/kernel/lease';
import { holdsName } from '@sentral/kernel/scopes/view';
import { schemaName } from '../change.js';
import { listHolds } from './sql.js';

/**
 * What a lien lies on is not deleted and not moved. Setting a lien waits for those who are asking, and they for it, so whoever
 * was told that it holds can rely on it; those who ask do not wait for each other.
 * @throws Problem blocked-by-hold
 */
export async function refuseHeld(tx: Tx, resourceId: string): Promise<void> {
  await lockNameShared(tx, schemaName, holdsName);
  const holds = await listHolds(tx, resourceId);
  if (holds.length > 0) throw problem('blocked-by-hold', { holds });
}
