import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { ServiceGate } from '@sentral/contracts/task/service-gate';
import type { Deps } from '../deps.js';
import { toGate } from './resource.js';
import { listGates } from './sql.js';

/**
 * The gates that were ever moved; every other one is open.
 * @throws Problem permission-denied
 */
export async function listServiceGates(deps: Deps, caller: Caller): Promise<{ items: ServiceGate[] }> {
  expectOperator(caller, 'read');
  return { items: (await listGates(deps.db.platform)).map(toGate) };
}

/**
 * Services are the platform's: whoever sees only scopes has no say in them.
 * @throws Problem permission-denied
 */
export function expectOperator({ readScope }: Caller, verb: 'read' | 'pause' | 'resume'): void {
  if ('all' in readScope || readScope.platform === true) return;
  throw problem('permission-denied', { missingPermission: `task.serviceGate.${verb}` });
}
