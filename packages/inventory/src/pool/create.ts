import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Pool } from '@sentral/contracts/inventory/pool';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { expectTenant } from '../projection/active.js';
import { bringForward } from '../projection/bring.js';
import { sightOf } from '../reading.js';
import { membersOf } from './members.js';
import { findPool, insertPool, toPool, writeMembers } from './sql.js';

/**
 * Makes a pool of nodes; its name is claimed within its tenant, or on the platform.
 * @throws Problem already-exists, reference-not-found
 */
export async function createPool(deps: Deps, caller: Caller, command: Command<'pool', 'create'>): Promise<Pool> {
  const id = deps.newId();
  await bringForward(deps, caller.scopes);
  return inChange(deps, caller, async (tx) => {
    const sight = sightOf(caller);
    const { tenantId } = command;
    if (tenantId !== undefined) await expectTenant(tx, sight, { id: tenantId, pointer: '/tenantId' });
    const tenant = tenantId === undefined ? null : decodeId('tnt', tenantId);
    await insertPool(tx, { ...command, id, tenantId: tenant });
    await writeMembers(tx, id, await membersOf(tx, sight, { members: command.members, pointer: '/members' }));
    const row = await findPool(tx, 'everything', id);
    if (row === undefined) throw new Error('a pool that was inserted is not there');
    const after = toPool(row);
    const scope = tenant === null ? {} : { scope: { tenantId: tenant } };
    await recordChanges(tx, caller, [{ what: 'pool.created', id, version: row.version, after, ...scope }]);
    return after;
  });
}
