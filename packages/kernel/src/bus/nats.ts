// The bus on NATS JetStream; the one file that imports the client. Runs from nats-server 2.9.10: one filter per consumer, no
// consumer metadata, plain +TERM. A PubAck is no proof that a message is on disk (a single server syncs every two minutes), so
// PostgreSQL stays the truth and every publisher keeps what it may have to send again.
import { AckPolicy, connect, createInbox, DeliverPolicy, Events, headers as natsHeaders, nanos } from 'nats';
import { DiscardPolicy, RetentionPolicy, StorageType } from 'nats';
import type { ConsumerConfig, JetStreamManager, Msg, MsgHdrs, NatsConnection, StreamConfig } from 'nats';
import { batches, type Sorted } from './batches.js';
import { checkSpec, settledWithin, sleep, textOf, type Report } from './delivery.js';
import type { Ack, Bus, BusMessage, ConsumeSpec, FailedPublish, Subscription } from './port.js';
import { publishFailure } from './port.js';
import { connectionOptions, pulledOf, type NatsOptions } from './nats-wire.js';
import { consumeByPull, type Pulled, type PullSource } from './pull.js';
import { sortOut, streams, type StreamDefinition } from './subjects.js';

export type { NatsOptions } from './nats-wire.js';

interface Link {
  readonly options: NatsOptions;
  readonly report: Report;
  readonly closing: AbortController;
  /** Told of each new connection; a reconnect of the client keeps its connection and subscriptions. */
  readonly arrivals: Set<(nc: NatsConnection) => void>;
  /** Pulls that wait for a server which no longer knows of them. */
  readonly pulls: Set<() => void>;
  nc: NatsConnection | undefined;
  connected: boolean;
  detail: string;
  /** Counts connects and reconnects: what was made sure of before the last one is looked at again. */
  epoch: number;
  streamsReady: Promise<void> | undefined;
}

/** A pull waits this long at the server; shorter than any proxy's idle limit. */
const pullMs = 5000;
const drainMs = 2000;

/** Opens the bus and returns at once: while no broker answers, health says so, publish rejects and the dialling goes on. */
export function openNats(options: NatsOptions): Bus {
  const link: Link = {
    options,
    report: options.report ?? (() => undefined),
    closing: new AbortController(),
    arrivals: new Set(),
    pulls: new Set(),
    nc: undefined,
    connected: false,
    detail: 'not connected yet',
    epoch: 0,
    streamsReady: undefined,
  };
  const subscriptions = new Set<Subscription>();
  const kept = (subscription: Subscription): Subscription => {
    subscriptions.add(subscription);
    return subscription;
  };
  const dialling = dial(link);

  return {
    publish: (messages) => publish(link, messages),
    consume: (spec, handler) => {
      checkSpec(spec);
      return kept(consumeByPull(sourceOf(link, spec), { spec, handler, report: link.report }));
    },
    request: async (subject, data, timeoutMs) => {
      const answer = await usable(link).request(subject, data, { timeout: timeoutMs });
      const fault = answer.headers?.get('Sentral-Error');
      if (fault !== undefined && fault !== '') throw new Error(fault);
      return answer.string();
    },
    respond: (subject, responder) =>
      kept(
        // One of the processes that answer takes each question.
        attach(link, { subject, queue: 'responder' }, (msg) => {
          void (async () => responder(msg.string(), msg.subject))().then(
            (answer) => msg.respond(answer),
            (error: unknown) => msg.respond('', { headers: headersOf({ 'Sentral-Error': oneLine(textOf(error)) }) }),
          );
        }),
      ),
    broadcast: (subject, data) => {
      if (link.connected) link.nc?.publish(subject, data);
    },
    listen: (subject, listener) => kept(attach(link, { subject }, (msg) => listener(msg.string(), msg.subject))),
    health: () => ({ connected: link.connected, detail: link.detail }),
    close: async () => {
      await Promise.all([...subscriptions].map((subscription) => subscription.stop()));
      link.closing.abort();
      await letGo(link);
      await dialling;
      link.connected = false;
      link.detail = 'closed';
    },
  };
}

/** Hands over what is still in the client's buffer, for as long as a server would need; one that is away never takes it. */
async function letGo(link: Link): Promise<void> {
  const { nc } = link;
  if (nc === undefined) return;
  if (link.connected) await settledWithin(drainMs, nc.drain());
  await nc.close().catch(() => undefined);
}

async function dial(link: Link): Promise<void> {
  while (!link.closing.signal.aborted) {
    try {
      const nc = await connect(connectionOptions(link.options));
      link.nc = nc;
      arrived(link, nc);
      for (const told of link.arrivals) told(nc);
      void watch(link, nc);
      const fault = await nc.closed();
      departed(link, fault instanceof Error ? fault.message : 'connection closed');
    } catch (error) {
      departed(link, textOf(error));
    }
    link.nc = undefined;
    await sleep(250 + Math.random() * 500, link.closing.signal);
  }
}

async function watch(link: Link, nc: NatsConnection): Promise<void> {
  for await (const status of nc.status()) {
    if (status.type === Events.Disconnect) departed(link, 'disconnected');
    if (status.type === Events.Reconnect) arrived(link, nc);
    if (status.type === Events.Error) link.report(`bus: ${JSON.stringify(status.data)}`);
  }
}

function arrived(link: Link, nc: NatsConnection): void {
  link.connected = true;
  link.detail = `nats ${nc.getServer()}`;
  link.epoch += 1;
  link.streamsReady = undefined;
  for (const cancel of link.pulls) cancel();
}

function departed(link: Link, detail: string): void {
  link.connected = false;
  if (link.detail !== detail) link.report(`bus: ${detail}`);
  link.detail = detail;
}

function usable(link: Link): NatsConnection {
  if (link.nc === undefined || !link.connected) throw new Error(`the bus is away: ${link.detail}`);
  return link.nc;
}

async function ensureStreams(link: Link, nc: NatsConnection): Promise<void> {
  link.streamsReady ??= (async () => {
    const jsm = await nc.jetstreamManager({ checkAPI: false });
    for (const stream of streams) await ensureStream(jsm, stream, link.options.replicas ?? 1);
  })();
  try {
    await link.streamsReady;
  } catch (error) {
    link.streamsReady = undefined;
    throw error;
  }
}

async function ensureStream(jsm: JetStreamManager, stream: StreamDefinition, replicas: number): Promise<void> {
  const wanted = {
    subjects: [...stream.subjects],
    max_age: nanos(stream.maxAgeSeconds * 1000),
    duplicate_window: nanos(stream.duplicateWindowSeconds * 1000),
    max_msgs_per_subject: stream.supersedes ? 1 : -1,
    discard: DiscardPolicy.Old,
  } satisfies Partial<StreamConfig>;
  const found = await jsm.streams.info(stream.name).catch(absent);
  if (found === undefined) {
    const retention = stream.retention === 'workQueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits;
    const made = { ...wanted, name: stream.name, retention, storage: StorageType.File, num_replicas: replicas };
    await jsm.streams.add(made);
  } else if (Object.entries(wanted).some(([key, value]) => !same(found.config[key as keyof StreamConfig], value))) {
    // What an operator set besides (replicas, placement) stays.
    await jsm.streams.update(stream.name, { ...found.config, ...wanted });
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function absent(error: unknown): undefined {
  if (apiError(error)?.code === 404) return undefined;
  throw error;
}

function apiError(error: unknown): { code?: number; err_code?: number } | undefined {
  return error instanceof Error && 'api_error' in error ? (error.api_error as { code: number }) : undefined;
}

async function publish(link: Link, messages: readonly BusMessage[]): Promise<readonly Ack[]> {
  const { good, refused } = sortOut(messages);
  const acks: Ack[] = [];
  const failed: FailedPublish[] = [...refused];
  try {
    const nc = usable(link);
    await ensureStreams(link, nc);
    for (const batch of batches(good)) {
      const results = await Promise.allSettled(batch.map((each) => publishOne(link, nc, each)));
      for (const [place, result] of results.entries()) {
        const id = batch[place]?.message.id ?? '';
        if (result.status === 'fulfilled') acks.push({ id, duplicate: result.value });
        else failed.push({ id, ...refusalOf(link, result.reason) });
      }
      // What comes after an unanswered batch would only wait as long again.
      if (failed.length > refused.length) break;
    }
  } catch (error) {
    link.report(`bus: publish: ${textOf(error)}`);
    failed.push({ id: '', reason: textOf(error), permanent: false });
  }
  const named = new Set([...acks, ...failed].map(({ id }) => id));
  const reason = failed.at(-1)?.reason ?? 'not sent';
  for (const { message } of good) if (!named.has(message.id)) failed.push({ id: message.id, reason, permanent: false });
  if (failed.length > 0)
    throw publishFailure(
      failed.filter(({ id }) => id !== ''),
      acks,
    );
  return acks;
}

async function publishOne(link: Link, nc: NatsConnection, { message, stream }: Sorted): Promise<boolean> {
  const ack = await nc.jetstream().publish(message.subject, message.data, {
    msgID: message.id,
    timeout: link.options.publishTimeoutMs ?? 2000,
    headers: headersOf(message.headers ?? {}),
    expect: { streamName: stream.name },
  });
  return ack.duplicate;
}

function refusalOf(link: Link, error: unknown): { reason: string; permanent: boolean } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // 503: nobody has the subject, so a stream was removed behind our back; the next publish makes sure of it again.
  if (code === '503') link.streamsReady = undefined;
  // 10054: over the stream's own maximum.
  const permanent = code === 'MAX_PAYLOAD_EXCEEDED' || apiError(error)?.err_code === 10_054;
  return { reason: textOf(error), permanent };
}

function headersOf(plain: Readonly<Record<string, string>>): MsgHdrs {
  const made = natsHeaders();
  for (const [key, value] of Object.entries(plain)) made.set(key, value);
  return made;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}

/** Subscribes on this connection and on each that follows it. */
function attach(link: Link, to: { subject: string; queue?: string }, take: (msg: Msg) => void): Subscription {
  let detach = async (): Promise<void> => undefined;
  let settle: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const onto = (nc: NatsConnection): void => {
    const queue = to.queue === undefined ? {} : { queue: to.queue };
    const sub = nc.subscribe(to.subject, {
      ...queue,
      callback: (error, msg) => (error === null ? take(msg) : undefined),
    });
    detach = async () => (nc.isClosed() || sub.isClosed() ? undefined : sub.drain());
    void nc.flush().then(settle, () => undefined);
  };
  link.arrivals.add(onto);
  if (link.nc !== undefined && !link.nc.isClosed()) onto(link.nc);
  return {
    ready,
    stop: async () => {
      link.arrivals.delete(onto);
      settle();
      if (link.connected) await settledWithin(drainMs, detach());
    },
  };
}

function sourceOf(link: Link, spec: ConsumeSpec): PullSource {
  let ensuredAt = 0;
  return {
    ensure: async () => {
      const nc = usable(link);
      const { epoch } = link;
      if (ensuredAt === epoch) return;
      await ensureStreams(link, nc);
      await ensureConsumer(await nc.jetstreamManager({ checkAPI: false }), spec);
      ensuredAt = epoch;
    },
    pull: () => pull(link, spec, () => (ensuredAt = 0)),
    flush: async () => (link.connected ? settledWithin(drainMs, link.nc?.flush()) : undefined),
  };
}

async function ensureConsumer(jsm: JetStreamManager, spec: ConsumeSpec): Promise<void> {
  // Unlimited at the server: a message past a server's max_deliver stays in the stream and is never seen again. The limit
  // that counts is kept in delivery.ts, which buries the message first. Nor a server-side backoff: it replaces the ack wait.
  const wanted = { filter_subject: spec.filter, ack_wait: nanos(spec.ackWaitMs), max_deliver: -1 };
  const found = await jsm.consumers.info(spec.stream, spec.durable).catch(absent);
  if (found === undefined) {
    const fixed = { durable_name: spec.durable, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All };
    await jsm.consumers.add(spec.stream, { ...fixed, ...wanted }).catch(refusedForGood);
  } else if (Object.entries(wanted).some(([key, value]) => !same(found.config[key as keyof ConsumerConfig], value))) {
    await jsm.consumers.update(spec.stream, spec.durable, { ...found.config, ...wanted }).catch(refusedForGood);
  }
}

/** 10099, 10100: another consumer of the work queue takes the same subjects; trying again changes nothing. */
function refusedForGood(error: unknown): never {
  const code = apiError(error)?.err_code;
  throw code === 10_099 || code === 10_100 ? Object.assign(new Error(textOf(error)), { permanent: true }) : error;
}

function pull(link: Link, spec: ConsumeSpec, unknown: () => void): ReturnType<PullSource['pull']> {
  const nc = usable(link);
  const inbox = createInbox();
  let end: () => void = () => undefined;
  const answer = new Promise<Pulled | undefined>((resolve, reject) => {
    const sub = nc.subscribe(inbox, {
      max: 1,
      // Longer than the server waits, so that a message sent in its last moment is still taken.
      timeout: pullMs + 2000,
      callback: (error, msg) => {
        const code = msg?.headers?.code;
        if (error !== null) resolve(undefined);
        else if (msg.subject !== inbox) resolve(pulledOf({ spec, onDeadLetter: link.options.onDeadLetter }, msg));
        else if (code === 408 || code === 404) resolve(undefined);
        else {
          unknown();
          reject(new Error(`pull refused: ${code ?? 0} ${msg.headers?.description ?? ''}`));
        }
      },
    });
    // A drain still hands over what the server had sent before it learnt of it; only then is nothing coming.
    end = () =>
      void sub.drain().then(
        () => resolve(undefined),
        () => resolve(undefined),
      );
    void sub.closed.then(() => resolve(undefined));
  });
  const request = JSON.stringify({ batch: 1, expires: nanos(pullMs) });
  nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${spec.stream}.${spec.durable}`, request, { reply: inbox });
  link.pulls.add(end);
  return { answer: answer.finally(() => link.pulls.delete(end)), cancel: end };
}
