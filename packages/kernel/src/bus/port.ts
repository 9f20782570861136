// The one door to the bus. Every adapter (nats, mailbox, loopback) passes the same conformance suite, so that the embedded
// default and the clustered deployment lose, repeat and reorder in the same ways. Delivery is at least once, always.

export type StreamName = 'DV_CMD' | 'DV_RPL' | 'DV_EVT' | 'DV_FEED' | 'DV_AUD';

export type Headers = Readonly<Record<string, string>>;

export interface BusMessage {
  readonly subject: string;
  /** Judged by the duplicate window of the stream: the same id again is acknowledged as a duplicate and not delivered. */
  readonly id: string;
  /** JSON text, at most `maxDataBytes`. */
  readonly data: string;
  readonly headers?: Headers;
}

export interface Ack {
  readonly id: string;
  readonly duplicate: boolean;
}

export interface Delivery {
  readonly stream: StreamName;
  readonly subject: string;
  readonly id: string;
  readonly data: string;
  readonly headers: Headers;
  /** 1 on the first delivery. */
  readonly deliveries: number;
}

export interface ConsumeSpec {
  readonly stream: StreamName;
  /** Name under which the bus remembers how far this consumer came; `[a-z0-9-]+`, one per purpose. */
  readonly durable: string;
  /** One subject filter; `*` is one token, a last `>` is the rest. */
  readonly filter: string;
  readonly ackWaitMs: number;
  /** The handler sees a message at most this often; after that it becomes a dead letter. */
  readonly maxDeliver: number;
  /** Handlers running at once, and messages held at once: nothing is fetched ahead, since waiting burns its ack wait. */
  readonly concurrency: number;
  /** Delay before the next delivery after the handler threw: entry `deliveries - 1`, then the last one. */
  readonly backoffMs: readonly number[];
}

export type Verdict = 'ack' | { readonly nak: number } | 'term';

/**
 * `signal` aborts at nine tenths of the ack wait: after it the message may be with somebody else. A late verdict still counts.
 * A thrown error is a nak with the consumer's backoff.
 */
export type Handler = (message: Delivery, signal: AbortSignal) => Promise<Verdict>;

export interface Subscription {
  /** Settles once the consumer is registered: what is published from now on will reach it, now or after a restart. */
  readonly ready: Promise<void>;
  /** Takes no more, waits for the running handlers (at most one ack wait), settles what they held. */
  stop(): Promise<void>;
}

export interface DeadLetter extends Delivery {
  readonly durable: string;
  readonly reason: string;
}

/** Called at least once for each exhausted message before it leaves the bus; when it rejects, the message stays. */
export type OnDeadLetter = (letter: DeadLetter) => Promise<void>;

export interface BusHealth {
  readonly connected: boolean;
  readonly detail: string;
}

export type Responder = (data: string, subject: string) => Promise<string>;
export type Listener = (data: string, subject: string) => void;

export interface Bus {
  /**
   * Stores all messages, in order. Rejects with a PublishFailure unless every one was acknowledged; a failure is not proof
   * that a message was not stored, so publish again under the same id.
   */
  publish(messages: readonly BusMessage[]): Promise<readonly Ack[]>;
  consume(spec: ConsumeSpec, handler: Handler): Subscription;
  /** Asks whoever answers on the subject; rejects when nobody does within the time or the responder threw. */
  request(subject: string, data: string, timeoutMs: number): Promise<string>;
  respond(subject: string, responder: Responder): Subscription;
  /** Tells whoever listens now; may be lost, for beats and wake-ups only. */
  broadcast(subject: string, data: string): void;
  listen(subject: string, listener: Listener): Subscription;
  health(): BusHealth;
  /** Drains every subscription, then lets go of the connection. */
  close(): Promise<void>;
}

/** The envelope may be 256 KiB (task.md 9.1); the rest of this bound is slack, well under the 1 MiB of a NATS server. */
export const maxDataBytes = 512 * 1024;

export interface FailedPublish {
  readonly id: string;
  readonly reason: string;
  /** True when publishing again cannot help: too large, or no stream takes the subject. */
  readonly permanent: boolean;
}

export interface PublishFailure extends Error {
  readonly acked: readonly Ack[];
  readonly failed: readonly FailedPublish[];
}

/** Makes the error that publish rejects with; what was acknowledged before it is listed, so only the rest is retried. */
export function publishFailure(failed: readonly FailedPublish[], acked: readonly Ack[]): PublishFailure {
  const first = failed[0];
  const text = `${failed.length} of ${failed.length + acked.length} messages not acknowledged: ${first?.reason ?? 'unknown'}`;
  return Object.assign(new Error(text), { name: 'PublishFailure', acked, failed });
}

/** Recognises a PublishFailure by its shape, also across two copies of this file. */
export function isPublishFailure(error: unknown): error is PublishFailure {
  return error instanceof Error && error.name === 'PublishFailure' && 'failed' in error && 'acked' in error;
}
