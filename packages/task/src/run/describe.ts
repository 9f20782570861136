import { encodeId } from '@sentral/contracts/ids';
import { subjects } from '@sentral/contracts/services/message';
import { descriptionSchema, replyOf } from '@sentral/contracts/services/query';
import type { Bus } from '@sentral/kernel/bus/port';
import * as v from 'valibot';
import type { Deps } from '../deps.js';
import { take, type Taken } from './take.js';

const patienceMs = 2_000;

/** Asks services what became of steps that they are silent about; what they say counts as the reply that was lost. */
export async function describe(deps: Deps, bus: Bus, { decision, loaded }: Taken): Promise<void> {
  for (const stepId of decision.describe) {
    const step = loaded.aggregate.steps.find(({ id }) => id === stepId);
    if (step === undefined || step.kind === 'wait') continue;
    try {
      await ask(deps, bus, { taskId: loaded.stored.id, stepId, service: step.service });
    } catch (error) {
      // It is silent about this too: the next attempt is under way anyhow.
      deps.telemetry.log('debug', 'a service did not describe a step', { step: stepId, error });
    }
  }
}

/** `applied`: what it said was news. */
export async function ask(
  deps: Deps,
  bus: Bus,
  { taskId, stepId, service }: { taskId: string; stepId: string; service: string },
): Promise<Taken['was'] | undefined> {
  const op = encodeId('stp', stepId);
  const told = await bus.request(subjects.describe(service), JSON.stringify({ op }), patienceMs);
  const description = v.safeParse(descriptionSchema, JSON.parse(told));
  const reply = description.success ? replyOf(description.output) : undefined;
  if (reply === undefined) return undefined;
  const taken = await take(deps, {
    taskId,
    message: { consumer: 'task-describe', messageId: `describe:${op}:${reply.attempt}:${reply.answer.kind}` },
    input: () => ({ on: 'reply', stepId, ...reply }),
  });
  return taken?.was;
}
