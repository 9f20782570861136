import { subjects } from '@sentral/contracts/services/message';
import { stepService, type Entry } from '@sentral/contracts/services/serve';
import { openNats } from '@sentral/kernel/bus/nats';
import type { Bus } from '@sentral/kernel/bus/port';
import { consumeSteps } from '@sentral/kernel/bus/steps';
import * as v from 'valibot';

/** Who serves the five steps, and what they are called. */
export const served = { service: 'nett', action: 'bench.step' } as const;

/** A service that keeps all rules and does nothing: its journal is in memory, so what is measured is Sentral. */
export async function serveFive(bus: Bus): Promise<{ stop(): Promise<void> }> {
  const { service, action } = served;
  const entries = new Map<string, Entry>();
  const steps = stepService({
    service,
    actions: { [action]: { contract: 1, input: v.any(), run: async () => ({}), takeBack: async () => false } },
    store: {
      change: async (op, decide) => {
        const { entry, replies } = decide(entries.get(op));
        if (entry !== undefined) entries.set(op, entry);
        if (replies.length > 0)
          await bus.publish(
            replies.map((reply) => ({
              id: reply.id,
              subject: subjects.reply(service, reply.stepid),
              data: JSON.stringify(reply),
            })),
          );
      },
      find: async (op) => entries.get(op),
      unfinished: async () => [],
    },
    beat: () => undefined,
    report: (what, error) => console.error(what, error),
  });
  await steps.start();
  const commands = consumeSteps(bus, service, { on: steps, report: console.error });
  await commands.ready;
  return {
    stop: async () => {
      await commands.stop();
      await steps.stop();
    },
  };
}

// Started alone it serves on NATS until whoever started it is gone.
const natsUrl = process.env['BENCH_SERVE_NATS_URL'];
if (natsUrl !== undefined) {
  const bus = openNats({
    servers: natsUrl,
    name: served.service,
    report: () => undefined,
    onDeadLetter: async ({ id }) => console.error(`${id} was given up`),
  });
  await serveFive(bus);
  process.send?.('serves');
  process.once('disconnect', () => process.exit(0));
}
