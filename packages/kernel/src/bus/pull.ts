// A pull consumer as slots: each slot holds one pull for one message, handles it, and pulls again. So nothing is buffered (a
// buffered message burns its ack wait), and a stop can wait for exactly what is held.
import { setMaxListeners } from 'node:events';
import { deliver, settledWithin, sleep, textOf, type Report, type Settlement } from './delivery.js';
import type { ConsumeSpec, Delivery, Handler, Subscription } from './port.js';

export interface Pulled {
  readonly message: Delivery;
  readonly settlement: Settlement;
}

export interface PullSource {
  /** Makes sure that the consumer exists; rejects with `permanent` set when it never can. */
  ensure(): Promise<void>;
  /** One message, `undefined` when there was none in time, rejected when the consumer is not known (any more). */
  pull(): { readonly answer: Promise<Pulled | undefined>; cancel(): void };
  /** Hands what was settled to the server. */
  flush(): Promise<void>;
}

/** Serves a consumer from a source with `concurrency` slots. */
export function consumeByPull(
  source: PullSource,
  consumer: { readonly spec: ConsumeSpec; readonly handler: Handler; readonly report: Report },
): Subscription {
  const { spec, report } = consumer;
  const stopping = new AbortController();
  // Each slot may sleep on it, all at once while the bus is away; more than ten are told as a leak.
  setMaxListeners(spec.concurrency, stopping.signal);
  const cancels = new Set<() => void>();
  let registered: () => void = () => undefined;
  let refused: (error: unknown) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    registered = resolve;
    refused = reject;
  });
  ready.catch(() => undefined);

  const slot = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await source.ensure();
        registered();
        if (stopping.signal.aborted) return;
        const pulled = await pullOnce();
        if (pulled !== undefined) await deliver(consumer, pulled.message, pulled.settlement);
      } catch (error) {
        if (error instanceof Error && 'permanent' in error) {
          refused(error);
          stopping.abort();
        }
        report(`${spec.durable}: ${textOf(error)}`);
        await sleep(200 + Math.random() * 300, stopping.signal);
      }
    }
  };
  const pullOnce = async (): Promise<Pulled | undefined> => {
    const { answer, cancel } = source.pull();
    cancels.add(cancel);
    try {
      return await answer;
    } finally {
      cancels.delete(cancel);
    }
  };

  const slots = Array.from({ length: spec.concurrency }, slot);
  return {
    ready,
    stop: async () => {
      stopping.abort();
      for (const cancel of cancels) cancel();
      // A handler that ignores its signal must not hold up a stop for ever.
      await settledWithin(spec.ackWaitMs + 1000, Promise.all(slots));
      registered();
      await source.flush();
    },
  };
}
