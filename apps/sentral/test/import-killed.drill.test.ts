import { remoteContext } from '@sentral/contracts/client-internal';
import type { Caller, Implements } from '@sentral/contracts/contract';
import { encodeId, type Id } from '@sentral/contracts/ids';
import { mintInternalToken } from '@sentral/contracts/internal-token';
import { inventory as inventoryContract } from '@sentral/contracts/inventory';
import { tenancy as tenancyContract } from '@sentral/contracts/tenancy';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { createKeyring, createSeal } from '@sentral/audit';
import { startNats, type NatsServer } from '@sentral/servers/nats';
import { bootstrapAdmin } from '@sentral/tenancy/operate';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startProcess, type Started } from './start-process.js';

const contracts = { inventory: inventoryContract, tenancy: tenancyContract };
const folder = mkdtempSync(path.join(tmpdir(), 'sentral-import-'));
const key = new Uint8Array(randomBytes(32));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let nats: NatsServer;
let place: TestDatabase;
let admin: Database;
let running: Started & {
  readonly inventory: Implements<typeof inventoryContract>;
  readonly tenancy: Implements<typeof tenancyContract>;
};
let caller: Caller;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  undo.push(async () => rmSync(folder, { recursive: true, force: true }));
  nats = await startNats();
  undo.push(nats.stop);
  place = await createTestDatabase(inject('postgresUrl'));
  undo.push(place.drop);
  admin = openDatabase({ url: place.adminUrl, applicationName: 'drill', poolSize: 2 });
  undo.push(() => admin.close());
  await bootstrapAdmin(admin, {
    subject: { issuer: 'https://drill.invalid', subject: 'importer', seal: createSeal(createKeyring([key], 'feed')) },
  });
  const [person] = await admin.sql<{ id: string }>`select id from tenancy.principal where subject = 'importer'`;
  caller = {
    principal: { id: encodeId('usr', person?.id ?? ''), type: 'user' },
    accessEpoch: 1,
    readScope: { all: true },
    scopes: [],
  };
  running = await startAgain();
  undo.push(() => running.end('SIGTERM'));
});
afterAll(async () => {
  for (const each of undo.toReversed()) await each();
});

const sites = 20;
const racks = 4_000;
const tenants = 5;
const rows = [
  ...Array.from({ length: tenants }, (_, n) => ({
    externalId: `t${n}`,
    resource: { type: 'tenant', name: `Tenant ${n}` },
  })),
  ...Array.from({ length: sites }, (_, n) => ({
    externalId: `s${n}`,
    resource: { type: 'node', kind: 'site', name: `s${n}` },
  })),
  ...Array.from({ length: racks }, (_, n) => ({
    externalId: `r${n}`,
    resource: { type: 'node', kind: 'rack', name: `r${n}`, parent: `s${n % sites}`, tenant: `t${n % tenants}` },
  })),
];
const file = rows.map((row) => `${JSON.stringify({ op: 'upsert', ...row })}\n`).join('');
const pieces = [file.slice(0, 200_000), file.slice(200_000)];

interface Moment {
  readonly state: string;
  readonly rowsDone: number;
  readonly rows: number;
}

/** Where the process dies, by what the database shows of the import. */
const moments: Readonly<Record<string, (now: Moment) => boolean>> = {
  'while its file is read into rows': ({ state }) => state === 'staging',
  'when it has just been claimed': ({ state }) => state === 'running',
  'while its tenants are made': ({ state, rowsDone }) => state === 'running' && rowsDone > 0 && rowsDone <= tenants,
  'while its rows are written': ({ state, rowsDone }) => state === 'running' && rowsDone >= 1_000,
  // Behind its last row it is over within a millisecond or two: whoever looks that seldom may miss it.
  'shortly before its end': ({ state, rowsDone }) => state === 'running' && rowsDone >= 3_500,
};

test.each(Object.entries(moments))(
  'an import whose process is killed %s is done once by the next process',
  { timeout: 120_000 },
  async (name, met) => {
    const { id } = await running.inventory.import.create(caller, {
      source: name,
      format: 'changeset',
      atomic: 'batch',
      dryRun: false,
      mayMakeTenants: true,
    });
    for (const [ordinal, content] of pieces.entries())
      await running.inventory.import.stage(caller, { id, ordinal, content });
    const starting = running.inventory.import
      .start(caller, { id, chunks: pieces.length })
      .catch((error: unknown) => error);
    // A start that stages goes on in one transaction: what it has written so far is seen by nobody, so it is met by time.
    if (name.startsWith('while its file')) await pause(60);
    for (let tries = 0; ; tries += 1) {
      const now = await momentOf(name);
      if (met(now)) break;
      if (now.state === 'succeeded' || tries > 20_000) throw new Error(`the moment has passed: ${JSON.stringify(now)}`);
      await pause(1);
    }
    await running.end('SIGKILL');
    await starting;
    const killedAt = await momentOf(name);
    const before = Date.now();
    running = await startAgain();
    // Whoever sent the file was not answered and asks again.
    await running.inventory.import.start(caller, { id, chunks: pieces.length });
    for (let waited = 0; waited < 600 && (await momentOf(name)).state !== 'succeeded'; waited += 1) await pause(100);
    const seconds = (Date.now() - before) / 1000;

    const ended = await running.inventory.import.get(caller, { id });
    expect(ended).toMatchObject({ state: 'succeeded', counts: { created: rows.length } });
    const nodes = await everyNode(name);
    expect(new Set(nodes.map((node) => node.externalIds[0]?.externalId)).size).toBe(sites + racks);
    expect(nodes).toHaveLength(sites + racks);
    expect(new Set(nodes.map(({ version }) => version))).toEqual(new Set([1]));
    const made = await running.tenancy.scope.list(caller, { kind: 'tenant', limit: 500 });
    const results = await running.inventory.import.results(caller, { id, limit: tenants });
    expect(new Set(results.items.map((row) => row.id)).size).toBe(tenants);
    expect(made.items.filter((each) => results.items.some((row) => row.id === each.id))).toHaveLength(tenants);
    const [keys] = await admin.sql<{
      n: number;
    }>`select count(*)::int as n from tenancy.scope_key where source = ${name}`;
    expect(keys?.n, 'no tenant was made twice').toBe(tenants);
    await expectWholeFeed(nodes.map((node) => node.id));
    console.log(
      `killed ${name} at ${JSON.stringify(killedAt)}: done ${seconds.toFixed(1)} s after the kill, the start included`,
    );
  },
);

test('of many who adopt one new tenant at once, one makes it and all are told of it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 16 }, () =>
      running.tenancy.scope.adopt(caller, {
        source: 'race',
        externalId: 'one',
        displayName: 'One',
        owner: { type: 'user', id: caller.principal.id },
      }),
    ),
  );
  expect(answers.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(answers.map(({ scope }) => scope.id)).size).toBe(1);
});

async function momentOf(source: string): Promise<Moment> {
  const [row] = await admin.sql<Moment & object>`
    select state, rows_done as "rowsDone", (select count(*)::int from inventory.import_row r where r.import_id = i.id) as rows
    from inventory.import i where source = ${source}`;
  if (row === undefined) throw new Error('the import is not there');
  return row;
}

async function everyNode(source: string) {
  const items: Awaited<ReturnType<typeof running.inventory.node.list>>['items'] = [];
  let cursor: string | undefined;
  do {
    const page = await running.inventory.node.list(caller, {
      source,
      limit: 500,
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

/** Each of these is told once, and positions have no gap, when the relay has caught up. */
async function expectWholeFeed(ids: readonly Id<'nod'>[]): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const [row] = await admin.sql<{
      waiting: number;
    }>`select count(*)::int as waiting from inventory.feed where pos is null`;
    if (row?.waiting === 0) break;
    await pause(100);
  }
  const facts: { pos: number; resource: { id: string } }[] = [];
  for (let more = true; more;) {
    const page = await running.inventory.feed.page(caller, { afterPos: facts.at(-1)?.pos ?? 0, limit: 1000 });
    facts.push(...page.items);
    ({ more } = page);
  }
  expect(
    facts.findIndex(({ pos }, at) => pos !== at + 1),
    'positions have no gap',
  ).toBe(-1);
  const told = facts.map(({ resource }) => resource.id).filter((id) => (ids as readonly string[]).includes(id));
  expect(told).toHaveLength(ids.length);
  expect(new Set(told).size).toBe(ids.length);
}

async function startAgain(): Promise<typeof running> {
  const write = (name: string, text: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const url = new URL(place.adminUrl);
  const logins = ['tenancy', 'inventory'].flatMap((name) => [`${name}_app`, `${name}_read`, `${name}_platform`]);
  const child = await startProcess({
    SENTRAL_CONTEXTS: 'tenancy,inventory',
    SENTRAL_INTERNAL_PORT: '0',
    SENTRAL_INTERNAL_KEY_FILE: write('internal.key', Buffer.from(key).toString('base64')),
    SENTRAL_FEED_KEY_FILE: write('feed.key', Buffer.from(key).toString('base64')),
    SENTRAL_NATS_URL: nats.url,
    SENTRAL_DATABASE_URL: `postgres://${url.host}${url.pathname}`,
    SENTRAL_DATABASE_PASSWORD_FILE: write('passwords', logins.map((login) => `${login}:sentral`).join('\n')),
    SENTRAL_DATA_DIR: folder,
  });
  const token = (audience: string) => mintInternalToken(key, audience, Math.floor(Date.now() / 1000));
  return {
    ...child,
    inventory: remoteContext(contracts.inventory, { baseUrl: child.baseUrl, token }),
    tenancy: remoteContext(contracts.tenancy, { baseUrl: child.baseUrl, token }),
  };
}
