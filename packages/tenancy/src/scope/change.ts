import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { visibleOf } from '../reading.js';
import { kindOfScope, scopeId, uuidOfScope, type StoredScope } from './row.js';
import { findScope, lockScope } from './sql.js';

/**
 * Locks a scope whose limits, policy, exemptions or holds are about to change.
 * @throws Problem not-found | state-conflict for one that is being deleted, or was
 */
export async function lockToChange(tx: Tx, caller: Caller, id: string): Promise<StoredScope> {
  const missing = problem('not-found', { resourceType: kindOfScope(id) });
  if ((await findScope(tx, uuidOfScope(id), visibleOf(caller))) === undefined) throw missing;
  const scope = await lockScope(tx, uuidOfScope(id));
  if (scope === undefined || scopeId(scope.kind, scope.id) !== id) throw missing;
  if (scope.state === 'deleted' || scope.state === 'deleting')
    throw problem('state-conflict', { state: scope.state, allowedStates: ['active', 'suspended'] });
  return scope;
}
