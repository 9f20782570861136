import { serve as listen } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Listening {
  readonly url: string;
  /** Stops accepting, lets what runs finish within the time, then cuts. */
  close(withinMs: number): Promise<void>;
}

const headerLimitBytes = 16 * 1024;

export async function serve(app: Hono, at: { host: string; port: number }): Promise<Listening> {
  const server = await new Promise<Server>((resolve, reject) => {
    const started = listen(
      { fetch: app.fetch, hostname: at.host, port: at.port, serverOptions: { maxHeaderSize: headerLimitBytes } },
      () => resolve(started),
    ) as Server;
    started.once('error', reject);
    started.requestTimeout = 120_000;
    started.keepAliveTimeout = 10_000;
  });
  const { port } = server.address() as AddressInfo;
  const host = at.host.includes(':') ? `[${at.host}]` : at.host;
  return {
    url: `http://${host}:${port}`,
    close: (withinMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), withinMs);
        // A stream that ends leaves a connection that nobody told to close.
        const idle = setInterval(() => server.closeIdleConnections(), 100);
        server.close(() => {
          clearTimeout(cut);
          clearInterval(idle);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
