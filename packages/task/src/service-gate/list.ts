import type { Caller } from '@sentral/contracts/contract';
import type { ServiceGate } from '@sentral/contracts/task/service-gate';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { toGate } from './resource.js';
import { listGates } from './sql.js';

/**
 * The gates that were ever moved; every other one is open.
 * @throws Problem permission-denied
 */
export async function listServiceGates(deps: Deps, caller: Caller): Promise<{ items: ServiceGate[] }> {
  expectOperator(caller, 'task.serviceGate.read');
  return { items: (await listGates(deps.db.platform)).map(toGate) };
}
