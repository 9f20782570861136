import { connect, createServer, type Server, type Socket } from 'node:net';
import { clientMessages, serverMessages, type Message } from './messages.js';

export type { Message } from './messages.js';

/** How a connection ends: reset, politely closed, or silent for ever with its socket open. */
export type Cut = 'rst' | 'fin' | 'black-hole';

/** What happens to connections from now on; each may be changed at any time. */
export interface Faults {
  /** `refuse`: nobody listens. `fin` and `rst`: accepted and ended at once. `black-hole`: accepted and never answered. */
  accept: 'normal' | 'refuse' | Cut;
  /** Added to each chunk, in each direction. */
  latencyMs: number;
  /** Up to so much more, drawn anew for each chunk. */
  jitterMs: number;
}

/** A cut at one message of the PostgreSQL protocol. */
export interface Trap {
  /** The n-th message that matches, over all connections from now on; the first is 1. */
  readonly nth: number;
  /** `before`: the server never gets it. `after`: the server has executed it, and the client never hears. */
  readonly when: 'before' | 'after';
  readonly cut: Cut;
  /** Which messages count; without it every Query and Execute. */
  readonly match?: (message: Message) => boolean;
  /** Called at the cut, in front of it: a place to kill a process from outside. */
  readonly onHit?: () => void;
}

export interface FaultProxy {
  readonly port: number;
  /** The same URL through the proxy. */
  through(url: string): string;
  set(faults: Partial<Faults>): Promise<void>;
  /** Sets a trap; the promise is fulfilled when it has sprung. */
  trap(trap: Trap): Promise<void>;
  /** Ends every connection there is in this way, and says how many. */
  cutAll(cut: Cut): number;
  /** Messages of all connections that matched the trap, or counted as one without it. */
  counted(): number;
  /** Connections there are. */
  open(): number;
  /** Connections there were, whatever became of them. */
  accepted(): number;
  stop(): Promise<void>;
}

interface Pair {
  cut(cut: Cut): void;
}

const executes = (message: Message): boolean => message.type === 'Q' || message.type === 'E';

/** Starts a TCP proxy on the loopback interface in front of a PostgreSQL, or of anything else whose client speaks first: traps see only PostgreSQL. */
export async function startFaultProxy(target: { host?: string; port: number }): Promise<FaultProxy> {
  const faults: Faults = { accept: 'normal', latencyMs: 0, jitterMs: 0 };
  const pairs = new Set<Pair>();
  const held = new Set<Socket>();
  let trap: (Trap & { sprung: () => void }) | undefined;
  let counted = 0;
  let accepted = 0;

  const server = createServer((client) => accept(client));
  const port = await listen(server, 0);

  return {
    port,
    through: (url) => {
      const out = new URL(url);
      out.hostname = '127.0.0.1';
      out.port = String(port);
      return out.href;
    },
    async set(change) {
      const before = faults.accept;
      Object.assign(faults, change);
      if (faults.accept === before) return;
      if (faults.accept === 'refuse') await unlisten(server);
      else if (before === 'refuse') await listen(server, port);
    },
    trap(next) {
      counted = 0;
      return new Promise((resolve) => (trap = { ...next, sprung: resolve }));
    },
    cutAll(cut) {
      const all = [...pairs];
      for (const pair of all) pair.cut(cut);
      return all.length;
    },
    counted: () => counted,
    open: () => pairs.size,
    accepted: () => accepted,
    async stop() {
      for (const pair of pairs) pair.cut('rst');
      for (const socket of held) socket.destroy();
      if (faults.accept !== 'refuse') await unlisten(server);
    },
  };

  function accept(client: Socket): void {
    hold(client);
    accepted += 1;
    if (faults.accept === 'normal') relay(client);
    else endSocket(client, faults.accept === 'refuse' ? 'rst' : faults.accept);
  }

  /** Errors of sockets that are being torn are what this program is for. */
  function hold(socket: Socket): void {
    held.add(socket);
    socket.on('error', () => undefined).on('close', () => held.delete(socket));
  }

  function relay(client: Socket): void {
    const upstream = connect({ host: target.host ?? '127.0.0.1', port: target.port, noDelay: true });
    hold(upstream);
    client.setNoDelay(true);
    let silent = false;
    let answerOf: typeof trap; // the trap whose message the server is executing now
    const toServer = delayed((bytes) => upstream.write(bytes));
    const toClient = delayed((bytes) => client.write(bytes));
    const pair: Pair = { cut };
    pairs.add(pair);

    const fromClient = clientMessages();
    let opaque = false;
    client.on('data', (chunk) => {
      if (silent) return;
      if (opaque) return toServer(chunk);
      for (const message of fromClient(chunk)) {
        // What follows is encrypted, or no message of PostgreSQL.
        if (message.type === 'ssl' || message.type === 'other') opaque = true;
        if (!passes(message)) return;
        toServer(message.bytes);
      }
    });
    const fromServer = serverMessages();
    upstream.on('data', (chunk) => {
      if (silent) return;
      if (opaque) return toClient(chunk);
      for (const message of fromServer(chunk)) {
        if (answerOf && message.type === 'Z') return spring(answerOf);
        if (!answerOf) toClient(message.bytes);
      }
    });
    client.on('close', () => gone(upstream));
    upstream.on('close', () => {
      if (!silent) gone(client); // into a black hole not even the end comes through
    });

    function passes(message: Message): boolean {
      if (!(trap?.match ?? executes)(message)) return true;
      counted += 1;
      if (!trap || counted !== trap.nth) return true;
      const hit = trap;
      trap = undefined;
      if (hit.when === 'after') {
        answerOf = hit;
        return true;
      }
      spring(hit);
      return false;
    }

    function spring(hit: NonNullable<typeof trap>): void {
      hit.onHit?.();
      cut(hit.cut);
      hit.sprung();
    }

    function cut(how: Cut): void {
      silent = true;
      pairs.delete(pair);
      if (how === 'black-hole') return;
      endSocket(client, how);
      upstream.end(); // what came before the cut still reaches the server
    }

    function gone(other: Socket): void {
      pairs.delete(pair);
      if (silent) other.destroy();
      else other.end();
    }
  }

  /** Keeps the order of what it delays. */
  function delayed(write: (bytes: Buffer) => void): (bytes: Buffer) => void {
    let free = 0;
    return (bytes) => {
      const ms = faults.latencyMs + Math.random() * faults.jitterMs;
      const now = performance.now();
      free = Math.max(now + ms, free);
      if (free <= now) write(bytes);
      else setTimeout(write, free - now, bytes);
    };
  }
}

function endSocket(socket: Socket, how: Cut): void {
  if (how === 'rst') socket.resetAndDestroy();
  else if (how === 'fin') socket.end();
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
    });
  });
}

/** Stops accepting; what is connected stays. */
function unlisten(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => undefined);
    setImmediate(resolve);
  });
}
