import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { BusKit } from '../src/bus/conformance-kit.js';
import { openLoopback, type LoopbackBroker } from '../src/bus/loopback.js';
import { openMailbox } from '../src/bus/mailbox.js';
import { openNats } from '../src/bus/nats.js';
import type { DeadLetter, OnDeadLetter } from '../src/bus/port.js';
import type { Database } from '../src/database.js';

/** The loopback adapter as the conformance suite wants it. */
export function loopbackKit(broker: LoopbackBroker): BusKit {
  return {
    open: () => openLoopback({ broker }),
    openDeaf: async () => openLoopback({ broker, faults: { losePublishAck: 1 } }),
    deadLetters: async (durable) => broker.deadLetters.filter((letter) => letter.durable === durable),
  };
}

/** The mailbox adapter; the deaf client's statements are carried out but their answers are lost. */
export function mailboxKit(db: Database): BusKit {
  const lost = async (): Promise<never> => {
    throw new Error('connection lost after the statement was sent');
  };
  const deaf: Database = { ...db, sql: async (strings, ...values) => db.sql(strings, ...values).then(lost) };
  return {
    open: () => openMailbox({ db, pollMs: 100 }),
    openDeaf: async () => openMailbox({ db: deaf }),
    deadLetters: async (durable) => {
      const rows = await db.sql<DeadLetter & Record<string, unknown>>`
        select stream, durable, subject, message_id as "id", data, headers, deliveries, reason
        from bus.dead_letter where durable = ${durable}`;
      return [...rows];
    },
  };
}

/** The NATS adapter; the deaf client speaks through a wire that carries nothing back after the first connect. */
export function natsKit(url: string, letters: DeadLetter[]): BusKit {
  const onDeadLetter: OnDeadLetter = async (letter) => {
    letters.push(letter);
  };
  return {
    open: () => openNats({ servers: url, name: 'conformance', onDeadLetter }),
    openDeaf: async () => {
      const wire = await wireTo(url);
      const bus = openNats({ servers: wire.url, name: 'deaf', onDeadLetter, publishTimeoutMs: 500 });
      // The streams are made sure of by a first publish, which still hears.
      await new Promise<void>((resolve) => {
        const look = setInterval(() => {
          if (!bus.health().connected) return;
          clearInterval(look);
          resolve();
        }, 10);
      });
      await bus.publish([]);
      wire.mute();
      return {
        ...bus,
        close: async () => {
          await wire.end();
          await bus.close();
        },
      };
    },
    deadLetters: async (durable) => letters.filter((letter) => letter.durable === durable),
  };
}

export interface Wire {
  readonly url: string;
  readonly port: number;
  /** Nothing comes back any more. */
  mute(): void;
  /** Cuts what runs over it and refuses what comes. */
  end(): Promise<void>;
}

/** A TCP wire to the server that can be cut; on the port of an earlier one when given. */
export async function wireTo(url: string, port = 0): Promise<Wire> {
  const target = new URL(url);
  let muted = false;
  const ends = new Set<() => void>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    ends.add(() => {
      client.destroy();
      upstream.destroy();
    });
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (!muted) client.write(bytes);
    });
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const own = (server.address() as AddressInfo).port;
  return {
    url: `nats://127.0.0.1:${own}`,
    port: own,
    mute: () => {
      muted = true;
    },
    end: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const end of ends) end();
      await closed;
    },
  };
}
