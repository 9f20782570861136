import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import type { Sight } from '../reading.js';
import { lockTenant } from './sql.js';

/**
 * Something is about to be dedicated to this tenant: the caller may read it, it is active, and it is not counted empty until that
 * has committed. The first lock of its transaction.
 * @throws Problem reference-not-found | state-conflict
 */
export async function expectTenant(tx: Tx, sight: Sight, named: { id: string; pointer: string }): Promise<void> {
  const tenantId = decodeId('tnt', named.id);
  const known = sight === 'everything' || sight.tenants.includes(tenantId);
  const state = known ? await lockTenant(tx, tenantId) : undefined;
  if (state === undefined) throw problem('reference-not-found', { pointer: named.pointer, resourceType: 'tenant' });
  if (state !== 'active') throw problem('state-conflict', { state, allowedStates: ['active'] });
}
