import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { lockTenant, type ScopeViewRow } from './sql.js';

/**
 * A suspended scope, or one that is going, may read and give back; it begins nothing and keeps nothing longer.
 * @throws Problem scope-not-active
 */
export function expectActive(path: readonly ScopeViewRow[]): void {
  const inactive = path.find((scope) => scope.state !== 'active');
  if (inactive !== undefined) throw problem('scope-not-active', { scope: inactive.kind, state: inactive.state });
}

/**
 * Something is about to be dedicated to this tenant: it is known and active, and is not counted empty until that has
 * committed. The first lock of its transaction.
 * @throws Problem reference-not-found | state-conflict
 */
export async function expectTenant(tx: Tx, tenantId: string, pointer: string): Promise<void> {
  const state = await lockTenant(tx, decodeId('tnt', tenantId));
  if (state === undefined) throw problem('reference-not-found', { pointer, resourceType: 'tenant' });
  if (state !== 'active') throw problem('state-conflict', { state, allowedStates: ['active'] });
}
