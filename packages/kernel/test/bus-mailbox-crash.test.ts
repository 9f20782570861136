import { startPostgres, type PostgresServer } from '@sentral/servers/postgres';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimMessages, endMessages } from '../src/bus/mailbox-sql.js';
import { openMailbox } from '../src/bus/mailbox.js';
import type { BusMessage, ConsumeSpec } from '../src/bus/port.js';
import { busDatabase, type BusDatabase } from './bus-database.js';

// PostgreSQL ends as when the power goes, with the durability that it has in production; what does not wait for the disk is written
// as late as it can be (docs/adr/0025).

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-crash-'));
chmodSync(folder, 0o755);
let postgres: PostgresServer;
let database: BusDatabase;

const start = (port?: number): Promise<PostgresServer> =>
  startPostgres({
    dataDir: path.join(folder, 'postgres'),
    settings: { wal_writer_delay: '10s' },
    ...(port === undefined ? {} : { port }),
  });
async function crash(): Promise<void> {
  await postgres.crash();
  postgres = await start(Number(new URL(postgres.url).port));
}

beforeAll(async () => {
  postgres = await start();
  database = await busDatabase(postgres.url, 'bus_crash');
});
afterAll(async () => {
  await database?.drop();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const spec: ConsumeSpec = {
  stream: 'DV_RPL',
  durable: 'replies',
  filter: 'dv.rpl.v1.>',
  ackWaitMs: 1,
  maxDeliver: 5,
  concurrency: 4,
  backoffMs: [10],
};
const message = (id: string): BusMessage => ({ subject: 'dv.rpl.v1.sentral.nett.stp', id, data: '{}' });

async function delivered(): Promise<readonly string[]> {
  const claimed = await claimMessages(database.db, spec, 100);
  return claimed.map(({ message: { id } }) => id);
}

test('what was acknowledged to a sender survives a crash: whoever gave its copy up, before it or after, has none left', async () => {
  const mailbox = openMailbox({ db: database.db });
  expect(await mailbox.publish([message('m1'), message('m2')])).toHaveLength(2);
  await crash();
  expect(await delivered()).toEqual(['m1', 'm2']);
  await expect(mailbox.publish([message('m1')])).resolves.toEqual([{ id: 'm1', duplicate: true }]);
  await mailbox.close();
});

test('what was handled may come again, since its end does not wait for the disk', async () => {
  const mailbox = openMailbox({ db: database.db });
  await mailbox.publish([message('m3')]);
  await mailbox.close();
  const claimed = await claimMessages(database.db, spec, 100);
  await endMessages(database.db, claimed);
  expect(await delivered()).toEqual([]);
  await crash();
  expect(await delivered()).toContain('m3');
});
