import { decodeId, isId } from '@sentral/contracts/ids';
import { beatSchema, subjects } from '@sentral/contracts/services/message';
import type { Bus, Subscription } from '@sentral/kernel/bus/port';
import * as v from 'valibot';
import { inputOfBeat } from '../decide/message.js';
import type { Deps } from '../deps.js';
import { findTaskOfStep } from './sql.js';
import { take } from './take.js';

/** Hears that services are alive. A beat that is lost, or cannot be read, is one that did not come. */
export function listenToBeats(deps: Deps, bus: Bus): Subscription {
  return bus.listen(subjects.beats, (data, subject) => {
    hear(deps, data, subject).catch((error: unknown) =>
      deps.telemetry.log('warn', 'a beat could not be taken in', { subject, error }),
    );
  });
}

async function hear(deps: Deps, data: string, subject: string): Promise<void> {
  const [, service, step] = /^dv\.beat\.v1\.([^.]+)\.([^.]+)$/.exec(subject) ?? [];
  const beat = v.safeParse(beatSchema, parsed(data));
  if (!beat.success || step === undefined || beat.output.stepid !== step || !isId('stp', step)) return;
  const taskId = await findTaskOfStep(deps.db.app, decodeId('stp', step));
  if (taskId === undefined) return;
  const input = inputOfBeat(beat.output);
  await take(deps, {
    taskId,
    // A beat waits for nobody: whoever decides now knows better than it.
    ifFree: true,
    input: ({ aggregate }) =>
      aggregate.steps.some((each) => each.id === decodeId('stp', step) && each.service === service) ? input : undefined,
  });
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
