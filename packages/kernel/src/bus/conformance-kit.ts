// What a conformance case stands on: an adapter under test, subjects of its own, waiting with an end.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, BusMessage, ConsumeSpec, DeadLetter, Delivery, StreamName, Verdict } from './port.js';

export interface BusKit {
  /** A client of the same broker; a second one stands for another process, or for the same one after its restart. */
  open(): Bus;
  /** A client whose publishes are stored but whose acknowledgements never arrive. */
  openDeaf(): Promise<Bus>;
  deadLetters(durable: string): Promise<readonly DeadLetter[]>;
}

export interface BusCase {
  readonly title: string;
  run(kit: BusKit): Promise<void>;
}

export interface Scene {
  readonly spec: (changes?: Partial<ConsumeSpec>) => ConsumeSpec;
  readonly message: (token: string, id?: string) => BusMessage;
}

const prefixes = {
  DV_CMD: 'dv.cmd.v1',
  DV_RPL: 'dv.rpl.v1',
  DV_EVT: 'dv.evt.v1',
  DV_FEED: 'dv.feed.v1',
  DV_AUD: 'dv.aud.v1',
};

/** Subjects and a consumer of its own for one case. */
export function scene(stream: StreamName): Scene {
  const name = `t${randomUUID().slice(0, 13)}`;
  const base: ConsumeSpec = {
    stream,
    durable: name,
    filter: `${prefixes[stream]}.${name}.>`,
    ackWaitMs: 2000,
    maxDeliver: 5,
    concurrency: 4,
    backoffMs: [20],
  };
  return {
    spec: (changes = {}) => ({ ...base, ...changes }),
    message: (token, id = randomUUID()) => ({
      subject: `${prefixes[stream]}.${name}.${token}`,
      id,
      data: JSON.stringify({ token }),
      headers: { traceparent: `trace-${token}` },
    }),
  };
}

/** Waits until the condition holds; the case fails when it does not within the time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = 10_000,
): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await condition())) {
    if (Date.now() > end) assert.fail(`did not happen within ${milliseconds} ms: ${what}`);
    await sleep(10);
  }
}

export interface Recorder {
  readonly seen: Delivery[];
  readonly handle: (message: Delivery) => Promise<Verdict>;
}

/** A handler that notes what it saw. */
export function recorder(answer: (message: Delivery) => Verdict | Promise<Verdict> = () => 'ack'): Recorder {
  const seen: Delivery[] = [];
  const handle = async (message: Delivery): Promise<Verdict> => {
    seen.push(message);
    return await answer(message);
  };
  return { seen, handle };
}

/** Opens a client for the work and closes it. */
export async function withBus(kit: BusKit, work: (bus: Bus) => Promise<void>): Promise<void> {
  const bus = kit.open();
  try {
    await until('the bus is connected', () => bus.health().connected);
    await work(bus);
  } finally {
    await bus.close();
  }
}

/** What the work was refused with; the case fails when it was not. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => assert.fail('it was expected to be refused'),
    (error: unknown) => error,
  );
}
