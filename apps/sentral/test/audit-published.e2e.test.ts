import { auditEvents, recordAppendedSubject } from '@sentral/contracts/audit-events';
import { recordLeaf } from '@sentral/contracts/audit-proof';
import { readEvent } from '@sentral/contracts/events';
import { decodeId } from '@sentral/contracts/ids';
import { openMailbox } from '@sentral/kernel/bus/mailbox';
import { openNats } from '@sentral/kernel/bus/nats';
import type { Bus } from '@sentral/kernel/bus/port';
import { openDatabase } from '@sentral/kernel/database';
import { startNats } from '@sentral/servers/nats';
import { afterEach, expect, test } from 'vitest';
import { house } from './cast.js';
import { startServer } from './start-server.js';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function onMailbox() {
  const server = await startServer();
  stops.push(() => server.stop());
  const { host, pathname } = new URL(server.adminUrl);
  const db = openDatabase({
    url: `postgres://${host}${pathname}`,
    user: 'bus_app',
    password: 'sentral',
    applicationName: 'reader',
    poolSize: 2,
    searchPath: ['bus'],
  });
  stops.push(() => db.close());
  return { server, bus: openMailbox({ db }) };
}

async function onNats() {
  const nats = await startNats();
  stops.push(() => nats.stop());
  const server = await startServer({ SENTRAL_NATS_URL: nats.url });
  stops.push(() => server.stop());
  return { server, bus: openNats({ servers: nats.url, name: 'reader', onDeadLetter: () => Promise.resolve() }) };
}

/** What a reader has by then: the places of each log. */
function read(bus: Bus) {
  const seen = new Map<
    string,
    { readonly log: string; readonly seq: number; readonly leaf: string; readonly tenantId: string | undefined }
  >();
  const reader = bus.consume(
    {
      stream: 'DV_AUD',
      durable: 'siem',
      filter: recordAppendedSubject,
      ackWaitMs: 10_000,
      maxDeliver: 5,
      concurrency: 1,
      backoffMs: [100],
    },
    async ({ id, data }) => {
      const event = readEvent(auditEvents, JSON.parse(data));
      if (event === undefined || event.envelope.id !== id) throw new Error(`no record: ${data}`);
      const leaf = Buffer.from(await recordLeaf(JSON.parse(data).data)).toString('hex');
      seen.set(id, { log: event.data.log, seq: event.data.seq, leaf, tenantId: event.envelope.tenantid });
      return 'ack';
    },
  );
  return { ready: reader.ready, seen };
}

test.each([
  ['the mailbox', onMailbox],
  ['NATS', onNats],
])('on %s every record of a log is told in its order, as its leaf is the hash of it', async (_, on) => {
  const { server, bus } = await on();
  stops.push(() => bus.close());
  const { ready, seen } = read(bus);
  await ready;
  // Its log begins while somebody reads.
  const { tenant } = await house(server, 'shop');
  const admin = openDatabase({ url: server.adminUrl, applicationName: 'test', poolSize: 1 });
  stops.push(() => admin.close());
  await expect
    .poll(
      async () => {
        const rows = await admin.unsafe(
          `select seq, encode(leaf, 'hex') as leaf from audit.record where tenant_id = $1 order by seq`,
          [decodeId('tnt', tenant)],
        );
        const told = [...seen.values()]
          .filter(({ tenantId }) => tenantId === tenant)
          .map(({ seq, leaf }) => ({ seq, leaf }));
        return { enough: rows.length >= 3, same: JSON.stringify(rows) === JSON.stringify(told) };
      },
      { timeout: 20_000, interval: 250 },
    )
    .toEqual({ enough: true, same: true });
});
