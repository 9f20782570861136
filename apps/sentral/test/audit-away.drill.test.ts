import { audit as auditContract } from '@sentral/contracts/audit';
import { remoteContext } from '@sentral/contracts/client-internal';
import type { Caller } from '@sentral/contracts/contract';
import { mintInternalToken } from '@sentral/contracts/internal-token';
import { inventory as inventoryContract } from '@sentral/contracts/inventory';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import { startNats, type NatsServer } from '@sentral/servers/nats';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startProcess, type Started } from './start-process.js';

// Audit is away while inventory goes on, and the bus forgets meanwhile what it acknowledged. SENTRAL_TEST_AUDIT_AWAY_SECONDS is how long
// (`SENTRAL_TEST_AUDIT_AWAY_SECONDS=3600 pnpm --filter @sentral/app exec vitest run test/audit-away.drill.test.ts`).
const awaySeconds = Number(process.env['SENTRAL_TEST_AUDIT_AWAY_SECONDS'] ?? 0);
const least = 60;
/** After the least that there must be: an hour shall be long, not large. */
const pauseMs = 1_000;

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-away-'));
const key = new Uint8Array(randomBytes(32));
const caller: Caller = {
  principal: { id: 'drill', type: 'system' },
  accessEpoch: 1,
  readScope: { all: true },
  scopes: [],
};

let nats: NatsServer;
let place: TestDatabase;
let admin: Database;
/** Each has its port for good, so that the other finds it when it comes back. */
const ports = { inventory: 0, audit: 0 };
let inventory: Started;
let audit: Started | undefined;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  undo.push(async () => rmSync(folder, { recursive: true, force: true }));
  nats = await startNats();
  undo.push(nats.stop);
  place = await createTestDatabase(inject('postgresUrl'));
  undo.push(place.drop);
  admin = openDatabase({ url: place.adminUrl, applicationName: 'drill', poolSize: 2 });
  undo.push(() => admin.close());
  for (const name of ['inventory', 'audit'] as const) ports[name] = await freePort();
  inventory = await startContext('inventory');
  undo.push(
    () => inventory.end('SIGTERM'),
    async () => audit?.end('SIGTERM'),
  );
});
afterAll(async () => {
  for (const each of undo.toReversed()) await each();
});

test(
  'while audit is away and the bus loses what it acknowledged, changes go on and no day of the feed is dropped; when it is back, each has its record',
  { timeout: (1.5 * awaySeconds + 120) * 1_000 },
  async () => {
    const node = remoteContext(inventoryContract, remote('inventory')).node;
    const away = performance.now();
    const change = async (at: number) => {
      const { id, version } = await node.register(caller, { kind: 'site', name: `site-${at}` });
      await node.amend(caller, { id, version, patch: { labels: { at: String(at) } } });
    };
    let changed = 0;
    const changing = async () => {
      while (changed < least || performance.now() - away < awaySeconds * 1_000) {
        await change(changed++);
        if (changed > least) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    await Promise.all([changing(), changing(), changing(), changing()]);

    const ready = await fetch(`${inventory.baseUrl}/readyz`);
    const { status, parts } = (await ready.json()) as { status: string; parts: { name: string; status: string }[] };
    expect([ready.status, status]).toEqual([200, 'ready']);
    expect(parts.find(({ name }) => name === 'audit of inventory')).toMatchObject({ status: 'degraded' });

    const facts = 2 * changed;
    await expect.poll(published, waiting).toBe(facts);
    expect(await purged('DV_FEED')).toBe(facts);
    expect(await purged('DV_EVT')).toBe(facts);

    // Its days are over. The next process asks audit before it drops anything, and gets no answer.
    const days = await agedBy(9);
    await inventory.end('SIGKILL');
    inventory = await startContext('inventory');
    // It drops after it has published: once a second change is out, the first round is over.
    for (const more of [2, 4]) {
      await change(changed++);
      await expect.poll(published, waiting).toBe(facts + more);
    }
    expect(await number('select count(*)::int as n from inventory.feed')).toBe(facts + 4);
    expect(await existing(days)).toEqual(days);

    audit = await startContext('audit');
    const confirmed = `select coalesce(max(confirmed_pos), 0)::int as n from audit.producer where context = 'inventory'`;
    await expect.poll(() => number(confirmed), waiting).toBe(facts + 4);
    expect(await missing()).toEqual([]);
    const found = await remoteContext(auditContract, remote('audit')).invariant.list(caller, {});
    expect(found.items.filter(({ violations }) => violations > 0)).toEqual([]);
    const counted = () =>
      admin.unsafe(
        `select missing::int, checked >= (select count(*) from inventory.node) as all from audit.completeness where context = 'inventory' and finished_at is not null`,
      );
    await expect.poll(counted, waiting).toEqual([{ missing: 0, all: true }]);

    // Confirmed, the same days go.
    await inventory.end('SIGKILL');
    inventory = await startContext('inventory');
    await expect.poll(() => existing(days), waiting).toEqual([]);
    console.log(`${facts} facts in ${Math.round((performance.now() - away) / 1_000)} s, each on record`);
  },
);

/** What piled up is made up for at no less than some hundreds a second. */
const waiting = { timeout: 60_000 + awaySeconds * 50, interval: 100 };

const number = async (text: string): Promise<number> => Number((await admin.unsafe(text))[0]?.['n']);

const published = () =>
  number(`select coalesce(max(position), 0)::int as n from inventory.lease where name = 'feed.publish'`);

const existing = async (names: readonly string[]): Promise<readonly string[]> =>
  (await admin.unsafe(`select relname from pg_class where relname = any($1) order by 1`, [names])).map((row) =>
    String(row['relname']),
  );

/** Facts of inventory, by its contract, of which there are fewer records than versions. */
async function missing(): Promise<readonly string[]> {
  const { feed } = remoteContext(inventoryContract, remote('inventory'));
  const lacking: string[] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const page = await feed.versions(caller, cursor === undefined ? {} : { cursor });
    const records = new Map(
      (
        await admin.unsafe(
          `select record #>> '{resource,id}' as id, count(distinct resource_version)::int as n from audit.record
           where record #>> '{resource,id}' = any($1) and class = 'change' and outcome = 'success' group by 1`,
          [page.items.map(({ id }) => id)],
        )
      ).map((row) => [row['id'], row['n']]),
    );
    lacking.push(...page.items.filter(({ id, changes }) => (records.get(id) ?? 0) !== changes).map(({ id }) => id));
    [cursor, more] = [page.nextCursor, page.nextCursor !== undefined];
  }
  return lacking;
}

/** Makes what lies in the feed so many days older, each day in a partition of its own name; answers these. */
async function agedBy(days: number): Promise<readonly string[]> {
  const found = await admin.unsafe(
    `select distinct to_char((recorded_at - interval '${days} days') at time zone 'UTC', 'YYYY-MM-DD') as day from inventory.feed order by 1`,
  );
  const aged: string[] = [];
  await inTransaction(admin, async (tx) => {
    await tx.unsafe('set local role inventory_owner');
    for (const { day } of found) {
      aged.push(`feed_p${String(day).replaceAll('-', '')}`);
      await tx.unsafe(
        `create table inventory.${aged.at(-1)} partition of inventory.feed for values from ('${String(day)} 00:00Z') to ('${String(day)} 24:00Z')`,
      );
    }
    await tx.unsafe(`update inventory.feed set recorded_at = recorded_at - interval '${days} days'`);
  });
  return aged;
}

/** Empties a stream behind everybody's back; answers how much it had acknowledged. */
function purged(stream: string): Promise<number> {
  const { hostname, port } = new URL(nats.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes.toString();
      const answer = /"purged":\s*(\d+)/.exec(heard);
      if (answer === null && !heard.includes('"error"')) return;
      socket.destroy();
      if (answer === null) reject(new Error(heard));
      else resolve(Number(answer[1]));
    });
    socket.on('error', reject);
    socket.write(
      `CONNECT {"verbose":false}\r\nSUB answers 1\r\nPUB $JS.API.STREAM.PURGE.${stream} answers 2\r\n{}\r\n`,
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createServer().listen(0, '127.0.0.1', () => {
      const { port } = socket.address() as AddressInfo;
      socket.close(() => resolve(port));
    });
  });
}

const remote = (name: 'inventory' | 'audit') => ({
  baseUrl: `http://127.0.0.1:${ports[name]}`,
  token: (audience: string) => mintInternalToken(key, audience, Math.floor(Date.now() / 1_000)),
});

/** The deployment itself, told to run one context and where the other is. */
function startContext(name: 'inventory' | 'audit'): Promise<Started> {
  const file = (as: string, text: string) => {
    const at = path.join(folder, as);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const keyFile = file('key', Buffer.from(key).toString('base64'));
  const other = name === 'audit' ? 'inventory' : 'audit';
  const url = new URL(place.adminUrl);
  return startProcess({
    SENTRAL_CONTEXTS: name,
    SENTRAL_INTERNAL_PORT: String(ports[name]),
    [`SENTRAL_${other.toUpperCase()}_URL`]: remote(other).baseUrl,
    SENTRAL_INTERNAL_KEY_FILE: keyFile,
    SENTRAL_INSTANCE_KEY_FILE: keyFile,
    SENTRAL_FEED_KEY_FILE: keyFile,
    SENTRAL_AUDIT_SIGNING_KEY_FILE: keyFile,
    SENTRAL_NATS_URL: nats.url,
    SENTRAL_DATABASE_URL: `postgres://${url.host}${url.pathname}`,
    SENTRAL_DATABASE_PASSWORD_FILE: file(
      'passwords',
      ['app', 'read', 'platform', 'retention'].map((role) => `${name}_${role}:sentral`).join('\n'),
    ),
    SENTRAL_DATA_DIR: folder,
  });
}
