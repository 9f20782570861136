// What the adapter is told, what it tells the client, and what a JetStream message looks like on the wire; nothing here imports the client.
import type { Report } from './delivery.js';
import type { ConsumeSpec, OnDeadLetter } from './port.js';
import type { Pulled } from './pull.js';

export interface NatsOptions {
  readonly servers: string | readonly string[];
  readonly name: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** Copies of each stream; 3 on a cluster. */
  readonly replicas?: number;
  readonly publishTimeoutMs?: number;
  readonly report?: Report;
  /** JetStream has no dead letters: this keeps them (in PostgreSQL) before the message is let go. */
  readonly onDeadLetter: OnDeadLetter;
}

/** The client's options: never give up, and notice a dead peer soon. */
export function connectionOptions(options: NatsOptions) {
  const { user, password, token, tls } = options;
  return {
    servers: typeof options.servers === 'string' ? options.servers : [...options.servers],
    name: options.name,
    // The client's defaults give up for good after 20 s and notice a dead peer only after 4 to 6 minutes.
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 5000,
    maxPingOut: 2,
    timeout: 5000,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/** The part of the client's message that is read here. */
interface RawMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly headers?: { keys(): string[]; get(name: string): string };
  string(): string;
  respond(data: string): boolean;
}

/** Reads a message as JetStream sends it and says how it is answered. */
export function pulledOf(
  { spec, onDeadLetter }: { readonly spec: ConsumeSpec; readonly onDeadLetter: OnDeadLetter },
  msg: RawMessage,
): Pulled {
  const names = (msg.headers?.keys() ?? []).filter((name) => !name.startsWith('Nats-'));
  // $JS.ACK.<stream>.<consumer>.<deliveries>.… or, from 2.11 on, $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.…
  const reply = (msg.reply ?? '').split('.');
  const message = {
    stream: spec.stream,
    subject: msg.subject,
    id: msg.headers?.get('Nats-Msg-Id') ?? '',
    data: msg.string(),
    headers: Object.fromEntries(names.map((name) => [name, msg.headers?.get(name) ?? ''])),
    deliveries: Number(reply[reply.length > 9 ? 6 : 4] ?? 1),
  };
  const say = async (verdict: string): Promise<void> => {
    if (!msg.respond(verdict)) throw new Error('no reply subject');
  };
  return {
    message,
    settlement: {
      ack: () => say('+ACK'),
      drop: () => say('+TERM'),
      nak: (delayMs) => say(delayMs > 0 ? `-NAK ${JSON.stringify({ delay: delayMs * 1_000_000 })}` : '-NAK'),
      bury: async (reason) => {
        await onDeadLetter({ ...message, durable: spec.durable, reason });
        await say('+TERM');
      },
    },
  };
}
