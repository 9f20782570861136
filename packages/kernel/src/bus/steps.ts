// How a service hangs on the bus (task.md 9.1): one consumer of its commands, with the numbers that hold for all, and its answer to
// `describe`. Prevents: a poison command that goes round for ever, and a service that takes more than it can work on.
import { subjects } from '@sentral/contracts/services/message';
import { startOutbox } from '../outbox.js';
import type { Telemetry } from '../telemetry.js';
import { servedSteps, type ServedSteps } from './operation.js';
import type { Bus, Subscription } from './port.js';

/** As much of a service as the bus sees: `stepService` of the contracts and the steps that a context serves both are one. */
export interface OnBus {
  take(data: string): Promise<'ack' | 'unreadable'>;
  describe(data: string): Promise<object>;
}

/** Starts to hand a service its commands; `report` hears of what cannot be read. */
export function consumeSteps(
  bus: Bus,
  service: string,
  { on, report }: { on: OnBus; report: (reason: string) => void },
): Subscription {
  const commands = bus.consume(
    {
      stream: 'DV_CMD',
      durable: `${service}-steps`,
      filter: subjects.commandsOf(service),
      ackWaitMs: 30_000,
      maxDeliver: 10,
      concurrency: 8,
      backoffMs: [1_000, 2_000, 5_000, 15_000, 30_000],
    },
    async ({ data, id }) => {
      if ((await on.take(data)) === 'ack') return 'ack';
      report(`the command ${id} cannot be read`);
      return 'term';
    },
  );
  const questions = bus.respond(subjects.describe(service), async (data) => JSON.stringify(await on.describe(data)));
  return {
    ready: Promise.all([commands.ready, questions.ready]).then(() => undefined),
    stop: async () => void (await Promise.all([commands.stop(), questions.stop()])),
  };
}

type Context = Pick<ServedSteps, 'db' | 'schema' | 'actions'> & { readonly bus: Bus; readonly log: Telemetry['log'] };

/** Serves the steps of a context by its own name; its outbox sends their answers alone, and its `resume` is for the caller's loop. */
export function serveSteps({ db, schema, actions, bus, log }: Context) {
  const outbox = startOutbox({
    db,
    schema,
    bus,
    log,
    // Who asked asks again for an answer that it never got.
    deadLetter: async (_, { messageId, reason }) =>
      log('error', 'an answer of a step could not be sent', { messageId, reason }),
  });
  const steps = servedSteps({ db, schema, service: schema, actions, answered: outbox.wake });
  const report = (reason: string) => log('error', reason, { service: schema });
  return { steps, running: [consumeSteps(bus, schema, { on: steps, report }), outbox] };
}
