import { decodeId } from '@sentral/contracts/ids';
import { readReply, replyFrom, subjects, type Reply } from '@sentral/contracts/services/message';
import type { Bus, Delivery, Subscription, Verdict } from '@sentral/kernel/bus/port';
import { sqlState } from '@sentral/kernel/errors';
import { inTransaction } from '@sentral/kernel/transaction';
import { inputOfReply } from '../decide/message.js';
import type { Deps } from '../deps.js';
import { insertDeadLetter } from '../store/write-sql.js';
import { describe } from './describe.js';
import type { Taken } from './take.js';
import { takingTogether, type Heard } from './together.js';

const consumer = 'task-replies';
/** The bus has no dead letters of its own that anybody reads: at this delivery a message becomes one here. */
const deliveriesMax = 10;

/** So many may share a transaction; what one process takes is kept from the others. */
const atOnceUsual = 32;

/** Takes in what services answer, each message once. */
export function listenToReplies(deps: Deps, bus: Bus, atOnce = atOnceUsual): Subscription {
  const taking = takingTogether(deps);
  return bus.consume(
    {
      stream: 'DV_RPL',
      durable: consumer,
      filter: subjects.replies,
      ackWaitMs: 30_000,
      // Only a net: the letter is written long before.
      maxDeliver: 20,
      concurrency: atOnce,
      backoffMs: [1_000, 2_000, 5_000, 15_000, 30_000],
    },
    (message) => hear({ deps, bus, taking }, message),
  );
}

class Misled extends Error {}

interface Ears {
  readonly deps: Deps;
  readonly bus: Bus;
  readonly taking: (news: Heard) => Promise<Taken | undefined>;
}

async function hear(ears: Ears, message: Delivery): Promise<Verdict> {
  const { deps } = ears;
  const read = readReply(message.data);
  if (!read.ok) return giveUp(deps, message, read.reason);
  const from = replyFrom(message.subject);
  if (from === undefined || from.step !== read.message.stepid)
    return giveUp(deps, message, 'its subject is of another step');
  try {
    return await apply(ears, { reply: read.message, service: from.service });
  } catch (error) {
    if (error instanceof Misled) return giveUp(deps, message, error.message);
    // A constraint says that this is a bug, and will say so every time.
    if (sqlState(error)?.startsWith('23') === true || message.deliveries >= deliveriesMax) {
      deps.telemetry.log('error', 'a reply cannot be applied', { id: message.id, error });
      return giveUp(deps, message, error instanceof Error ? error.message : String(error));
    }
    throw error;
  }
}

async function apply(
  { deps, bus, taking }: Ears,
  { reply, service }: { reply: Reply; service: string },
): Promise<Verdict> {
  const input = inputOfReply(reply);
  const taken = await taking({
    taskId: decodeId('tsk', reply.taskid),
    // The id of the reply, not of the delivery: what a service sends twice is one reply.
    message: { consumer, messageId: reply.id },
    input: ({ aggregate }) => {
      const step = aggregate.steps.find(({ id }) => id === input.stepId);
      // Thrown, so that the inbox does not keep its id: the answer of the right service may have the same.
      if (step !== undefined && step.service !== service) throw new Misled(`${service} does not serve this step`);
      return step === undefined ? undefined : input;
    },
  });
  if (taken !== undefined) {
    deps.telemetry.count(taken.was === 'stale' ? 'task.replies.stale' : 'task.replies');
    void describe(deps, bus, taken);
  }
  return 'ack';
}

async function giveUp(deps: Deps, message: Delivery, reason: string): Promise<Verdict> {
  await inTransaction(deps.db.app, (tx) =>
    insertDeadLetter(tx, {
      id: deps.newId(),
      origin: 'inbox',
      subject: message.subject,
      messageId: message.id,
      deliveries: message.deliveries,
      raw: message.data,
      error: { reason },
    }),
  );
  return 'term';
}
