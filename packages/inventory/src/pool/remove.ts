import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Pool } from '@sentral/contracts/inventory/pool';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { sightOf } from '../reading.js';
import { expectVersion } from '../version.js';
import { endPool, lockPool, shownPool, toPool } from './sql.js';

/**
 * Ends a pool; its members and what was given out of them stay.
 * @throws Problem not-found, version-mismatch
 */
export async function removePool(deps: Deps, caller: Caller, command: Command<'pool', 'remove'>): Promise<Pool> {
  const id = decodeId('pol', command.id);
  const sight = sightOf(caller);
  return inChange(deps, caller, async (tx) => {
    const current = await lockPool(tx, sight, id);
    if (current === undefined) throw problem('not-found', { resourceType: 'pool' });
    await expectVersion(tx, { prefix: 'pol', id, version: current.version }, command.version);
    await endPool(tx, id);
    const version = current.version + 1;
    const after = { ...toPool(current), version };
    const scope = current.tenantId === null ? {} : { scope: { tenantId: current.tenantId } };
    await recordChanges(tx, caller, [
      { what: 'pool.removed', id, version, before: toPool(current), after, event: after, ...scope },
    ]);
    return { ...(await shownPool(tx, sight, current)), version };
  });
}
