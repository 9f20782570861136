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
 * Opens the gate of a service: what waited for it goes out.
 * @throws Problem permission-denied
 */
export async function resumeServiceGate(
  deps: Deps,
  caller: Caller,
  { service, note }: Command<'serviceGate', 'resume'>,
): Promise<ServiceGate> {
  expectOperator(caller, 'task.serviceGate.resume');
  const gate = await inChange(deps, caller, async (tx) =>
    toGate(await amendGate(tx, { service, paused: false, note: note ?? null, actor: actorOf(caller) })),
  );
  deps.pulse.beat('scan');
  return gate;
}
