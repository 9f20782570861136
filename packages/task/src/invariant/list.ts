import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { lookUpInvariants, type Invariant } from '@sentral/contracts/shared-verbs';
import type { Deps } from '../deps.js';
import { countViolations, invariants } from './sql.js';

/**
 * What must always hold here and no constraint can say, looked up now.
 * @throws Problem permission-denied
 */
export async function listInvariants(deps: Deps, caller: Caller): Promise<{ items: Invariant[] }> {
  // Examples come from every tenant.
  if (!('all' in caller.readScope)) throw problem('permission-denied', { permission: 'task.invariant.read' });
  return lookUpInvariants(invariants, (each) => countViolations(deps.db.platform, each));
}
