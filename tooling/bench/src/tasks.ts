import { busMigrations } from '@sentral/kernel/bus/mailbox-schema';
import { startNats } from '@sentral/servers/nats';
import { startPostgres } from '@sentral/servers/postgres';
import { migrations } from '@sentral/task/migrations';
import { createTestDatabase, prepareTemplate } from '@sentral/testing';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Workload } from './allocating.js';
import type { FlightOrder } from './flight.js';
import { together, type Measured } from './load.js';

/** Starts a file beside this one as a process of its own. */
const start = (file: string, env: Readonly<Record<string, string>>) =>
  fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { ...(process.env['PATH'] === undefined ? {} : { PATH: process.env['PATH'] }), ...env },
  });

async function measure(file: string, env: Readonly<Record<string, string>>): Promise<readonly Measured[]> {
  const child = start(file, env);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code} before it had measured`);
  });
  const [measured] = (await Promise.race([once(child, 'message'), ended])) as [readonly Measured[]];
  await ended.catch(() => undefined);
  return measured;
}

/** Tasks of five steps from the request to the end, beside five durable steps of one process, on one server with default durability. */
export const w6: Workload = async function* ({ seconds, rounds }) {
  const server = await startPostgres({ maxConnections: 200 });
  const nats = await startNats();
  try {
    const template = await prepareTemplate(server.url, { contexts: [migrations, busMigrations] });
    const place = await createTestDatabase(template);
    const dbos = new URL(server.url);
    dbos.pathname = '/bench_dbos';
    const flights: FlightOrder[] = [
      { inFlight: 50, seconds: Math.min(2, seconds) },
      { inFlight: 50, seconds },
      { inFlight: 1, seconds },
    ];
    const urls = {
      app: place.url('task_app'),
      read: place.url('task_read'),
      platform: place.url('task_platform'),
      bus: place.url('bus_app'),
      admin: place.adminUrl,
    };
    const limits: (readonly Measured[])[] = [];
    const ours: Record<'the mailbox' | 'NATS', (readonly Measured[])[]> = { 'the mailbox': [], NATS: [] };
    for (let round = 0; round < rounds; round += 1) {
      limits.push(await measure('./task-dbos.js', { BENCH_DBOS: JSON.stringify({ databaseUrl: dbos.href, flights }) }));
      ours['the mailbox'].push(await measure('./task-server.js', { BENCH_TASKS: JSON.stringify({ urls, flights }) }));
      const service = start('./five-service.js', { BENCH_SERVE_NATS_URL: nats.url });
      await once(service, 'message');
      ours.NATS.push(
        await measure('./task-server.js', { BENCH_TASKS: JSON.stringify({ urls, natsUrl: nats.url, flights }) }),
      );
      service.disconnect();
      await once(service, 'exit');
    }
    const all = (runs: readonly (readonly Measured[])[], at: number) => together(runs.flatMap((run) => run[at] ?? []));
    for (const [bus, ratioLeast] of [
      ['the mailbox', 1],
      ['NATS', 0.75],
    ] as const) {
      yield {
        workload: 'W6',
        what: `tasks of five steps over ${bus}, 50 in flight`,
        value: all(ours[bus], 1),
        limit: all(limits, 1),
        ratioLeast,
      };
      const alone = all(ours[bus], 2);
      yield {
        workload: 'W6',
        what: `tasks of five steps over ${bus}, one at a time`,
        value: alone,
        limit: all(limits, 2),
        holds: { 'p50 at most 30 ms': alone.p50Ms <= 30 },
      };
    }
  } finally {
    await nats.stop();
    await server.stop();
  }
};
