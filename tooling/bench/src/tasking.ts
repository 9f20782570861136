import { up } from '@sentral/migrator';
import { readConfig } from '@sentral/migrator/config';
import { startNats } from '@sentral/servers/nats';
import type { Workload } from './allocating.js';
import { tasks, together, workflows, type Measured } from './load.js';
import type { Stand } from './stand.js';

/** A database of this server that nothing else works on, as the superuser. */
async function makeDatabase({ admin, adminUrl }: Stand, name: string): Promise<string> {
  await admin.unsafe(`create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function makeTaskDatabase(stand: Stand): Promise<string> {
  const url = await makeDatabase(stand, 'w6_task');
  const settings = {
    SENTRAL_CONTEXTS: 'task',
    SENTRAL_DATABASE_URL: url,
    SENTRAL_MIGRATOR_DATABASE_URL: url,
    SENTRAL_DATABASE_PASSWORD_FILE: stand.passwordFile,
  };
  await up(readConfig(settings), () => undefined);
  return url;
}

/** Five steps, each done by a service that keeps a journal, beside five durable steps of a library in its own process. */
export const w6: Workload = async function* ({ stand, seconds, rounds }) {
  const [url, journalUrl, libraryUrl] = [
    await makeTaskDatabase(stand),
    await makeDatabase(stand, 'w6_journal'),
    await makeDatabase(stand, 'w6_library'),
  ];
  const nats = await startNats();
  try {
    const { passwordFile } = stand;
    const ways = [
      { bus: 'the mailbox', ratioLeast: 1, order: { url, journalUrl, passwordFile } },
      { bus: 'NATS', ratioLeast: 0.75, order: { url, journalUrl, passwordFile, natsUrl: nats.url } },
    ];
    for (const clients of [50, 1]) {
      const limits: Measured[] = [];
      const ours: Measured[][] = ways.map(() => []);
      for (let round = 0; round < rounds; round += 1) {
        limits.push(await workflows({ url: libraryUrl, clients, seconds }));
        for (const [n, { order }] of ways.entries()) ours[n]?.push(await tasks({ ...order, clients, seconds }));
      }
      const limit = together(limits);
      for (const [n, { bus, ratioLeast }] of ways.entries())
        yield {
          workload: 'W6',
          what: `five steps over ${bus}, ${clients === 1 ? 'one at a time' : `${clients} in flight`}`,
          value: together(ours[n] ?? []),
          limit,
          ...(clients === 1 ? { p50MsMost: 30 } : { ratioLeast }),
          besides: { 'p50 of DBOS in ms': limit.p50Ms.toFixed(1) },
        };
    }
  } finally {
    await nats.stop();
  }
};
