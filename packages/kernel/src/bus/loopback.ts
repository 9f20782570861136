// The bus of tests: in memory, with faults drawn from a seed, so that a failing run is run again exactly. The broker outlives
// its clients, as a real one does; give the same broker to a second client to play a restart.
import { checkSpec, deliver, handlerSlots, type Settlement } from './delivery.js';
import { localExchange, type LocalExchange } from './local.js';
import type { Ack, Bus, BusMessage, ConsumeSpec, DeadLetter, Delivery, Handler, Subscription } from './port.js';
import { publishFailure } from './port.js';
import { filtersOverlap, sortOut, streamNamed, subjectMatches, type StreamDefinition } from './subjects.js';

/** Chances between 0 and 1; a lost delivery comes back after the ack wait, as the bus promises no less. */
export interface LoopbackFaults {
  readonly loseDelivery?: number;
  readonly repeatDelivery?: number;
  readonly reorder?: number;
  /** Each message becomes visible after a delay drawn from 0 to this. */
  readonly delayMs?: number;
  /** The message is stored but its publisher is told otherwise. */
  readonly losePublishAck?: number;
  readonly loseBroadcast?: number;
}

interface Stored {
  readonly id: number;
  readonly queue: string;
  readonly stream: StreamDefinition;
  readonly message: BusMessage;
  deliveries: number;
  visibleAt: number;
}

export interface LoopbackBroker {
  readonly stored: Map<number, Stored>;
  readonly seen: Map<string, number>;
  readonly consumers: Map<string, ConsumeSpec>;
  readonly deadLetters: DeadLetter[];
  readonly wakes: Set<() => void>;
  readonly exchange: LocalExchange;
  readonly random: () => number;
  nextId: number;
}

/** Makes an empty broker whose faults follow the seed. */
export function loopbackBroker(seed = 1): LoopbackBroker {
  return {
    stored: new Map(),
    seen: new Map(),
    consumers: new Map(),
    deadLetters: [],
    wakes: new Set(),
    exchange: localExchange(),
    random: mulberry(seed),
    nextId: 1,
  };
}

/** Opens a client of the broker. */
export function openLoopback(options: { broker?: LoopbackBroker; faults?: LoopbackFaults } = {}): Bus {
  const broker = options.broker ?? loopbackBroker();
  const faults = options.faults ?? {};
  const subscriptions = new Set<Subscription>();
  let open = true;

  return {
    publish: async (messages) => {
      await Promise.resolve();
      const { good, refused } = sortOut(messages);
      if (!open)
        throw publishFailure(
          messages.map(({ id }) => ({ id, reason: 'closed', permanent: false })),
          [],
        );
      const acks = good.map(({ message, stream }) => store(broker, faults, { message, stream }));
      for (const wake of broker.wakes) wake();
      const lost = new Set(acks.filter(() => broker.random() < (faults.losePublishAck ?? 0)));
      const failed = [...refused, ...[...lost].map(({ id }) => ({ id, reason: 'ack lost', permanent: false }))];
      if (failed.length > 0)
        throw publishFailure(
          failed,
          acks.filter((ack) => !lost.has(ack)),
        );
      return acks;
    },
    consume: (spec, handler) => {
      const subscription = consume(broker, faults, { spec, handler });
      subscriptions.add(subscription);
      return subscription;
    },
    request: broker.exchange.request,
    respond: broker.exchange.respond,
    broadcast: (subject, data) => {
      if (broker.random() >= (faults.loseBroadcast ?? 0)) broker.exchange.broadcast(subject, data);
    },
    listen: broker.exchange.listen,
    health: () => ({ connected: open, detail: open ? 'in memory' : 'closed' }),
    close: async () => {
      open = false;
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
    },
  };
}

function store(
  broker: LoopbackBroker,
  faults: LoopbackFaults,
  { message, stream }: { message: BusMessage; stream: StreamDefinition },
): Ack {
  const now = Date.now();
  const key = `${stream.name} ${message.id}`;
  const before = broker.seen.get(key);
  if (before !== undefined && now - before < stream.duplicateWindowSeconds * 1000) {
    return { id: message.id, duplicate: true };
  }
  broker.seen.set(key, now);
  for (const queue of queuesFor(broker, stream, message.subject)) {
    if (stream.supersedes) {
      for (const old of broker.stored.values()) {
        if (old.queue === queue && old.message.subject === message.subject) broker.stored.delete(old.id);
      }
    }
    const visibleAt = now + broker.random() * (faults.delayMs ?? 0);
    broker.stored.set(broker.nextId, { id: broker.nextId, queue, stream, message, deliveries: 0, visibleAt });
    broker.nextId += 1;
  }
  return { id: message.id, duplicate: false };
}

function queuesFor(broker: LoopbackBroker, stream: StreamDefinition, subject: string): string[] {
  if (stream.retention === 'workQueue') return [stream.name];
  return [...broker.consumers.values()]
    .filter((spec) => spec.stream === stream.name && subjectMatches(spec.filter, subject))
    .map((spec) => `${stream.name}/${spec.durable}`);
}

function consume(
  broker: LoopbackBroker,
  faults: LoopbackFaults,
  { spec, handler }: { spec: ConsumeSpec; handler: Handler },
): Subscription {
  checkSpec(spec);
  const ready = (async () => register(broker, spec))();
  ready.catch(() => undefined);
  const slots = handlerSlots(spec.concurrency);
  let stopped = false;
  broker.wakes.add(slots.poke);
  const report = (): void => undefined;

  const work = async (): Promise<void> => {
    await ready;
    while (!stopped) {
      const row = slots.free() > 0 ? claim(broker, faults, spec) : undefined;
      if (row === undefined) {
        await slots.wait(10);
        continue;
      }
      if (broker.random() < (faults.loseDelivery ?? 0)) continue;
      slots.take(deliver({ spec, handler, report }, deliveryOf(row), settlementOf(broker, row, spec)));
    }
  };
  const loop = work().catch(() => undefined);
  return {
    ready,
    stop: async () => {
      stopped = true;
      slots.poke();
      await loop;
      broker.wakes.delete(slots.poke);
      await slots.drained(spec.ackWaitMs + 1000);
    },
  };
}

function register(broker: LoopbackBroker, spec: ConsumeSpec): void {
  const rivals = [...broker.consumers.values()].filter(
    (other) =>
      other.stream === spec.stream && other.durable !== spec.durable && filtersOverlap(other.filter, spec.filter),
  );
  if (streamNamed(spec.stream).retention === 'workQueue' && rivals[0] !== undefined) {
    throw new Error(`${spec.durable} would take what ${rivals[0].durable} takes from ${spec.stream}`);
  }
  broker.consumers.set(`${spec.stream}/${spec.durable}`, spec);
}

function claim(broker: LoopbackBroker, faults: LoopbackFaults, spec: ConsumeSpec): Stored | undefined {
  const now = Date.now();
  const workQueue = streamNamed(spec.stream).retention === 'workQueue';
  const queue = workQueue ? spec.stream : `${spec.stream}/${spec.durable}`;
  const visible = [...broker.stored.values()].filter(
    (row) => row.queue === queue && row.visibleAt <= now && subjectMatches(spec.filter, row.message.subject),
  );
  const place = broker.random() < (faults.reorder ?? 0) ? Math.floor(broker.random() * visible.length) : 0;
  const row = visible[place];
  if (row === undefined) return undefined;
  row.deliveries += 1;
  // A repeated delivery is one that stays visible while it is being handled.
  row.visibleAt = broker.random() < (faults.repeatDelivery ?? 0) ? now : now + spec.ackWaitMs;
  return row;
}

function deliveryOf(row: Stored): Delivery {
  const { subject, id, data, headers } = row.message;
  return { stream: row.stream.name, subject, id, data, headers: headers ?? {}, deliveries: row.deliveries };
}

function settlementOf(broker: LoopbackBroker, row: Stored, spec: ConsumeSpec): Settlement {
  const { deliveries } = row;
  const remove = async (): Promise<void> => {
    broker.stored.delete(row.id);
  };
  return {
    ack: remove,
    drop: remove,
    nak: async (delayMs) => {
      if (row.deliveries === deliveries) row.visibleAt = Date.now() + delayMs;
    },
    bury: async (reason) => {
      if (broker.stored.has(row.id)) broker.deadLetters.push({ ...deliveryOf(row), durable: spec.durable, reason });
      broker.stored.delete(row.id);
    },
  };
}

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
