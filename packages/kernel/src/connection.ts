// Prevents: an answer that arrives late, a reconnect behind our back, a write on a socket that is gone. One physical connection:
// its own client of the driver, its own socket, one statement at a time, and once lost, lost.
import type { Socket } from 'node:net';
import postgres from 'postgres';
import { openSocket, type Host, type Target } from './dialer.js';
import { fault, isFatal, type Fault } from './errors.js';
import { control, toRows, type Statement, type Wire } from './sql.js';

export interface Connection {
  readonly at: Host;
  readonly expiresAt: number;
  /** Why it is gone, once it is. */
  readonly loss: Error | undefined;
  idleSince: number;
  /** Puts one statement on the wire. Without an answer by the deadline the socket is destroyed, so that none can come late. */
  run(statement: Statement, deadlineMs: number): Promise<unknown>;
  destroy(reason: Error): void;
  end(): Promise<void>;
  /** Called once, when it is gone. */
  onLoss(listener: (reason: Error) => void): () => void;
}

export interface ConnectionSettings {
  readonly session: Readonly<Record<string, string | number>>;
  readonly connectTimeoutMs: number;
  readonly lifetimeMs: number;
  readonly needPrimary: boolean;
}

const asIs = (value: unknown): unknown => value;
/** Text both ways: what the driver would parse or print itself is done in sql.ts, once. */
const types = {
  json: { to: 114, from: [114, 3802], serialize: asIs, parse: asIs },
  date: {
    to: 1184,
    from: [1082, 1114, 1184],
    serialize: (x: unknown) => (x instanceof Date ? x.toISOString() : x),
    parse: asIs,
  },
  boolean: { to: 16, from: [16], serialize: String, parse: (x: string) => x === 't' },
  bytea: {
    to: 17,
    from: [17],
    serialize: (x: unknown) => (x instanceof Uint8Array ? `\\x${Buffer.from(x).toString('hex')}` : x),
    parse: (x: string) => Buffer.from(x.slice(2), 'hex'),
  },
};

/**
 * Dials one host and checks that it is what is wanted.
 * @throws an error of PostgreSQL or a fault CONNECTION_LOST, STANDBY
 */
export async function openConnection(target: Target, at: Host, settings: ConnectionSettings): Promise<Connection> {
  const started = performance.now();
  const socket = await openSocket(at, target.tls, settings.connectTimeoutMs);
  const connection = onSocket(socket, target, { at, settings });
  try {
    const left = Math.max(1, settings.connectTimeoutMs - (performance.now() - started));
    const [row] = toRows(await connection.run(control('select pg_catalog.pg_is_in_recovery() as standby'), left));
    if (settings.needPrimary && row?.['standby'] === true) throw fault('STANDBY', `${at.host}:${at.port} is a standby`);
    return connection;
  } catch (error) {
    connection.destroy(error as Error);
    throw error;
  }
}

/** More than any transaction gives at once; the driver keeps what is over it and sends it later. */
const pipelined = 100;

interface Waiting {
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
  timer: NodeJS.Timeout | undefined;
}

function onSocket(
  socket: Socket,
  target: Target,
  { at, settings }: { at: Host; settings: ConnectionSettings },
): Connection {
  let given = false;
  let uncertain = false;
  let loss: Error | undefined;
  /** On the wire and not answered yet, in the order of their answers. */
  const waiting: Waiting[] = [];
  const listeners = new Set<(reason: Error) => void>();

  const wire = postgres({
    host: at.host, port: at.port, database: target.database, user: target.user, pass: () => target.password,
    max: 1, ssl: false, prepare: true, fetch_types: false, max_pipeline: pipelined,
    idle_timeout: 0, connect_timeout: 0, max_lifetime: 0, keep_alive: 0, backoff: false, debug: false,
    types, connection: settings.session, onnotice: notice,
    // The driver reconnects by calling this again: it gets one socket, ever.
    socket: () => {
      if (given) throw loss ?? lost();
      given = true;
      return socket;
    },
  } as never) as unknown as Wire; // prettier-ignore

  // Ours come before the driver's: whoever waits is told by us, and nothing is put on the wire after this.
  socket.on('error', (error) => destroy(lost(error)));
  socket.on('close', () => destroy(lost()));
  socket.on('end', () => destroy(lost()));
  return {
    at,
    // Spread by a fifth, or all of a pool would be renewed at once.
    expiresAt: performance.now() + settings.lifetimeMs * (0.8 + Math.random() / 5),
    idleSince: 0,
    get loss() {
      return loss;
    },
    run,
    destroy,
    end,
    onLoss(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  function run(statement: Statement, deadlineMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (loss) return reject(loss);
      const answer = statement.send(wire); // throws on a parameter that is none, before anything is sent
      const mine: Waiting = { reject, deadlineMs, timer: undefined };
      waiting.push(mine);
      if (waiting.length === 1) watch(mine);
      answer.then(
        (result) => {
          if (waiting[0] !== mine) return;
          settle();
          if (uncertain)
            destroy(fault('COMMIT_UNKNOWN', 'The wait for the standby was cut short: it may vanish in a failover'));
          if (loss) reject(loss);
          else resolve(result);
        },
        (error: Error) => {
          if (waiting[0] !== mine) return;
          settle();
          // Not PostgreSQL's own error, or its last: what the driver makes of this connection is not known any more.
          if (!('severity' in error) || isFatal(error)) destroy(error);
          reject(error);
        },
      );
    });
  }

  /** The server works on one at a time: the next one's time begins when this one is answered. */
  function settle(): void {
    clearTimeout(waiting.shift()?.timer);
    if (waiting[0] !== undefined) watch(waiting[0]);
  }

  function watch(next: Waiting): void {
    if (next.deadlineMs > 0) next.timer = setTimeout(overdue, next.deadlineMs, next.deadlineMs);
  }

  function overdue(deadlineMs: number): void {
    destroy(fault('STATEMENT_DEADLINE', `No answer from the database within ${deadlineMs} ms`));
  }

  function destroy(reason: Error): void {
    if (loss) return;
    loss = reason;
    clearTimeout(waiting[0]?.timer);
    socket.destroy();
    for (const each of waiting.splice(0)) each.reject(reason);
    for (const listener of listeners) listener(reason);
    listeners.clear();
  }

  async function end(): Promise<void> {
    if (loss) return;
    // A polite goodbye, but no longer than a second: the other end may be gone.
    await wire.end({ timeout: 1 }).catch(() => undefined);
    destroy(fault('CLOSED', 'The connection was ended'));
  }

  function notice(message: Record<string, unknown>): void {
    // PostgreSQL answers a cancelled wait with success and a warning.
    if (message['routine'] === 'SyncRepWaitForLSN') uncertain = true;
  }
}

function lost(cause?: unknown): Fault {
  return fault('CONNECTION_LOST', 'The connection to the database was lost', cause);
}
