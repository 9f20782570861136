// How one delivery is handled and settled, the same under every adapter. Prevents: a poison message that comes back for ever,
// a handler that keeps a slot after its message went to somebody else unnoticed, a stop that loses what was in hand.
import type { ConsumeSpec, Delivery, Handler, Verdict } from './port.js';

/** What an adapter can do with a message it holds. */
export interface Settlement {
  ack(): Promise<void>;
  nak(delayMs: number): Promise<void>;
  /** Removes it for good without a dead letter: the handler said `term`. */
  drop(): Promise<void>;
  /** Keeps it as a dead letter, then removes it; rejects when it could not be kept. */
  bury(reason: string): Promise<void>;
}

export type Report = (text: string) => void;

interface Outcome {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Runs the handler for one delivery and settles it; never rejects, since an unsettled message comes back by itself. */
export async function deliver(
  consumer: { readonly spec: ConsumeSpec; readonly handler: Handler; readonly report: Report },
  message: Delivery,
  settlement: Settlement,
): Promise<void> {
  const { spec, handler, report } = consumer;
  try {
    // More deliveries than allowed means that the last allowed one died with its process: no handler may see it again.
    const outcome =
      message.deliveries > spec.maxDeliver
        ? { verdict: { nak: 0 }, reason: `delivered ${message.deliveries - 1} times without an answer` }
        : await handled(spec, handler, message);
    await settle(spec, message, { outcome, settlement, report });
  } catch (error) {
    report(`${spec.durable} could not settle ${message.id}: ${textOf(error)}`);
  }
}

async function handled(spec: ConsumeSpec, handler: Handler, message: Delivery): Promise<Outcome> {
  const overdue = new AbortController();
  // A little early: the bus counts from when it sent the message, and whoever is late should know before another begins.
  const timer = setTimeout(() => overdue.abort(new Error('the ack wait is over')), spec.ackWaitMs * 0.9);
  try {
    return { verdict: await handler(message, overdue.signal), reason: 'refused by its handler' };
  } catch (error) {
    return { verdict: { nak: backoff(spec, message.deliveries) }, reason: textOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function settle(
  spec: ConsumeSpec,
  message: Delivery,
  { outcome, settlement, report }: { outcome: Outcome; settlement: Settlement; report: Report },
): Promise<void> {
  if (outcome.verdict === 'ack') return settlement.ack();
  if (outcome.verdict === 'term') return settlement.drop();
  if (message.deliveries < spec.maxDeliver) return settlement.nak(outcome.verdict.nak);
  try {
    await settlement.bury(outcome.reason);
  } catch (error) {
    // Better one delivery too many than a message that nobody can find again.
    report(`${spec.durable} could not keep the dead letter ${message.id}: ${textOf(error)}`);
    await settlement.nak(backoff(spec, message.deliveries));
  }
}

function backoff(spec: ConsumeSpec, deliveries: number): number {
  return spec.backoffMs[Math.min(deliveries, spec.backoffMs.length) - 1] ?? 1000;
}

/** The message of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export interface Slots {
  free(): number;
  take(work: Promise<void>): void;
  /** Settles when a slot came free, when poked, or after the time, whichever is first. */
  wait(milliseconds: number): Promise<void>;
  poke(): void;
  /** Settles when nothing runs, or after the time: a handler that ignores its signal must not hold up a stop for ever. */
  drained(milliseconds: number): Promise<void>;
}

/** Counts the handlers running at once and wakes the loop that feeds them. */
export function handlerSlots(concurrency: number): Slots {
  const running = new Set<Promise<void>>();
  let poked = false;
  let wake: (() => void) | undefined;

  const poke = (): void => {
    poked = true;
    wake?.();
  };
  const wait = async (milliseconds: number): Promise<void> => {
    if (!poked) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
    poked = false;
  };
  return {
    free: () => concurrency - running.size,
    take: (work) => {
      const held = work.finally(() => {
        running.delete(held);
        // Only a loop that waits for its first free slot is woken; the others have nothing more to fetch.
        if (running.size === concurrency - 1) poke();
      });
      running.add(held);
    },
    wait,
    poke,
    drained: async (milliseconds) => settledWithin(milliseconds, Promise.allSettled(running)),
  };
}

/** Waits, or less long when the signal aborts first; never rejects. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

/** Waits for the work, but no longer than this: a stop must end even when the other side is gone. Never rejects. */
export async function settledWithin(milliseconds: number, work: Promise<unknown> | undefined): Promise<void> {
  const late = new AbortController();
  await Promise.race([work?.catch(() => undefined), sleep(milliseconds, late.signal)]);
  late.abort();
}

/** Refuses a consumer that no adapter could serve, before it starts. */
export function checkSpec(spec: ConsumeSpec): void {
  if (!/^[a-z0-9-]+$/.test(spec.durable)) throw new Error(`a durable is [a-z0-9-]+, not ${spec.durable}`);
  if (spec.concurrency < 1 || spec.maxDeliver < 1 || spec.ackWaitMs < 1) {
    throw new Error(`consumer ${spec.durable}: concurrency, maxDeliver and ackWaitMs are at least 1`);
  }
}
