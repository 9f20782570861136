import { mkdirSync, mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, pause, startGuarded } from './guard.js';
import { findNatsServer } from './nats-binary.js';

export { findNatsServer } from './nats-binary.js';

export interface NatsOptions {
  /** Where JetStream keeps its streams. Without one a temporary folder, removed when the server ends. */
  readonly dataDir?: string;
  readonly port?: number;
}

export interface NatsServer {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a NATS server with JetStream on the loopback interface, or uses the one of SENTRAL_TEST_NATS_URL.
 * It ends with this process, however that ends.
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const given = process.env['SENTRAL_TEST_NATS_URL'];
  if (given) return { url: given, stop: () => Promise.resolve() };

  const file = await findNatsServer();
  const dataDir = options.dataDir ?? mkdtempSync(path.join(tmpdir(), 'sentral-nats-'));
  mkdirSync(dataDir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const server = startGuarded({
      file,
      args: ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', dataDir],
      ...(options.dataDir === undefined ? { removeAfter: dataDir } : {}),
    });
    const first = await Promise.race([greeted(port), server.ended]);
    if (first === 'greeted') return { url: `nats://127.0.0.1:${port}`, stop: server.stop };
    if (first === 'silent') await server.stop();
    const portTaken = server.log().includes('address already in use') && options.port === undefined;
    if (!portTaken || attempt === 3) throw new Error(`nats-server did not start.\n${server.log()}`);
  }
}

/** A NATS server speaks first; JetStream is up before it listens for clients. */
async function greeted(port: number): Promise<'greeted' | 'silent'> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await greets(port)) return 'greeted';
    await pause(50);
  }
  return 'silent';
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 });
    const answer = (value: boolean) => () => {
      socket.destroy();
      resolve(value);
    };
    socket.once('data', (data) => answer(data.toString().startsWith('INFO'))());
    socket.once('error', answer(false));
    socket.once('timeout', answer(false));
    socket.once('close', answer(false));
  });
}
