import type { Caller } from '@sentral/contracts/contract';
import type { ServiceGate } from '@sentral/contracts/task/service-gate';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { expectOperator } from '../operator.js';
import { actorOf } from '../task/ask.js';
import { toGate } from './resource.js';
import { amendGate } from './sql.js';

/**
 * Sends nothing more to a service until its gate is opened again; what it answers counts.
 * @throws Problem permission-denied
 */
export async function pauseServiceGate(
  deps: Deps,
  caller: Caller,
  { service, note }: Command<'serviceGate', 'pause'>,
): Promise<ServiceGate> {
  expectOperator(caller, 'task.serviceGate.pause');
  return inChange(deps, caller, async (tx) =>
    toGate(await amendGate(tx, { service, paused: true, note: note ?? null, actor: actorOf(caller) })),
  );
}
