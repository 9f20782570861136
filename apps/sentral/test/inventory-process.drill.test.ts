import { remoteContext } from '@sentral/contracts/client-internal';
import { inventoryConformance } from '@sentral/contracts/conformance/inventory';
import { defaultScopes } from '@sentral/contracts/conformance/inventory-allocation';
import { runConformance } from '@sentral/contracts/conformance/kit';
import type { Caller, Implements } from '@sentral/contracts/contract';
import { mintInternalToken } from '@sentral/contracts/internal-token';
import { inventory as contract } from '@sentral/contracts/inventory';
import type { Allocation } from '@sentral/contracts/inventory/allocation';
import { isProblem } from '@sentral/contracts/problem';
import { defaultEnvironmentId } from '@sentral/contracts/tenancy';
import { migrations } from '@sentral/inventory/migrations';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { startNats, type NatsServer } from '@sentral/servers/nats';
import { startPostgres } from '@sentral/servers/postgres';
import { createTestDatabase, dropTemplate, prepareTemplate, type TestDatabase } from '@sentral/testing';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProcess, type Started } from './start-process.js';

type Inventory = Implements<typeof contract>;

const folder = mkdtempSync(path.join(tmpdir(), 'sentral-drill-'));
const key = new Uint8Array(randomBytes(32));
const feedKey = randomBytes(32);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let nats: NatsServer;
let place: TestDatabase;
let admin: Database;
let running: Running;
const undo: (() => Promise<unknown>)[] = [];

// A server with inventory's schema and no other: whatever inventory needed of its neighbours' tables would be missed here.
beforeAll(async () => {
  undo.push(async () => rmSync(folder, { recursive: true, force: true }));
  nats = await startNats();
  undo.push(nats.stop);
  const given = process.env['SENTRAL_TEST_DATABASE_URL'];
  const server = given ? undefined : await startPostgres({ unsafe: true });
  if (server !== undefined) undo.push(server.stop);
  const template = await prepareTemplate(given ?? server!.url, {
    contexts: [migrations],
    name: `sentral_template_${randomBytes(6).toString('hex')}`,
  });
  undo.push(() => dropTemplate(template));
  place = await createTestDatabase(template);
  undo.push(place.drop);
  admin = openDatabase({ url: place.adminUrl, applicationName: 'drill', poolSize: 2 });
  undo.push(() => admin.close());
  running = await startInventory(0);
  undo.push(() => running.end('SIGTERM'));
});
afterAll(async () => {
  for (const each of undo.toReversed()) await each();
});

describe('the contract of inventory holds in a process and a database of its own', () => {
  runConformance(inventoryConformance, { test, subject: async () => running.inventory, seed: 'apart' });
});

const wanted = 1_000;
const clients = 16;
/** The process is killed each time that so many have been answered. */
const killsAt = [200, 400, 600, 800];

test(
  'a process of inventory that is killed among a thousand allocations gives each client one, nobody the same, and the feed all of them',
  { timeout: 180_000 },
  async () => {
    const space = await running.inventory.addressSpace.create(caller(), { name: 'drill', coolDownSeconds: 0 });
    const block = await running.inventory.addressBlock.create(caller(), {
      spaceId: space.id,
      cidr: '10.200.0.0/22',
      isPool: true,
    });
    const answered = new Map<number, Allocation>();
    const unanswered = new Set<number>();
    const codes = new Map<string, number>();
    const reserve = async (at: number): Promise<void> => {
      try {
        const allocation = await running.inventory.allocation.reserve(
          caller({ scope: 'drill', key: `key-${at}`, fingerprint: String(at) }),
          {
            environmentId: defaultEnvironmentId,
            requestId: `drill-${at}`,
            consumer: { service: 'drill', kind: 'client', id: String(at) },
            items: [{ what: 'address', blockId: block.id }],
          },
        );
        answered.set(at, allocation);
        unanswered.delete(at);
      } catch (error) {
        const code = isProblem(error) ? error.code : String(error);
        codes.set(code, (codes.get(code) ?? 0) + 1);
        unanswered.add(at);
      }
    };
    const all = (each: readonly number[], goesOn = () => true) => {
      const waiting = [...each];
      const client = async () => {
        for (let at = waiting.shift(); at !== undefined; at = goesOn() ? waiting.shift() : undefined) await reserve(at);
      };
      return Promise.all(Array.from({ length: clients }, client));
    };
    const left = () => Array.from({ length: wanted }, (_, at) => at).filter((at) => !answered.has(at));

    let lost = 0;
    for (const killAt of killsAt) {
      let dead = false;
      let killing: Promise<void> | undefined;
      const kill = async () => {
        await frozenWhere(async () => (await countStored()) > answered.size);
        dead = true;
        await running.end('SIGKILL');
      };
      await all(left(), () => {
        if (answered.size >= killAt) killing ??= kill();
        return !dead;
      });
      await killing;
      expect(unanswered.size, 'the kill met calls under way').toBeGreaterThan(0);
      running = await startInventory(running.port);
      lost += (await countStored()) - answered.size;
    }
    // What was under way when a process died may still hold its key for a moment: the client asks again, as before.
    for (let tries = 0; tries < 20 && answered.size < wanted; tries += 1) {
      await all(left());
      if (answered.size < wanted) await pause(250);
    }

    // Overloaded: the locks of a killed process last until the server has noticed, and nobody waits longer than a second.
    expect(
      [...codes.keys()].filter((code) => !['outcome-unknown', 'idempotency-in-progress', 'overloaded'].includes(code)),
      'no other refusal',
    ).toEqual([]);
    expect(answered.size).toBe(wanted);
    const replayed = [...answered.values()].filter((allocation) => allocation.replayed === true).length;
    expect(lost, 'some had been done when their answer was lost').toBeGreaterThan(0);
    expect(replayed, 'and just these were answered from what is stored').toBe(lost);
    const given = [...answered.values()].map((allocation) => allocation.items[0]!.address);
    expect(new Set(given).size, 'no address was given twice').toBe(wanted);
    const stored = await everyAllocation();
    expect(stored.length, 'exactly as many as were asked for').toBe(wanted);
    expect(new Map(stored.map(({ consumer, id }) => [consumer.id, id]))).toEqual(
      new Map([...answered].map(([at, { id }]) => [String(at), id])),
    );
    expect((await running.inventory.addressBlock.available(caller(), { id: block.id })).availableAddresses).toBe(
      String(1024 - wanted),
    );

    await relayCaughtUp();
    const facts = await everyFact();
    expect(
      facts.findIndex(({ pos }, at) => pos !== at + 1),
      'positions have no gap',
    ).toBe(-1);
    expect(
      new Set(facts.map(({ resource }) => `${resource.type} ${resource.id} ${resource.version}`)).size,
      'one fact for each version',
    ).toBe(facts.length);
    const ids = new Set(stored.map(({ id }) => id as string));
    expect(facts.filter(({ resource }) => ids.has(resource.id)).length, 'each allocation is told').toBe(wanted);
    expect(
      (await running.inventory.invariant.list(caller(), {})).items.filter(({ violations }) => violations > 0),
    ).toEqual([]);
    console.log(
      `killed ${killsAt.length} times: ${[...codes].map(([code, count]) => `${count} ${code}`).join(', ')}; ${replayed} had been done and were answered again`,
    );
  },
);

function caller(idempotency?: Caller['idempotency']): Caller {
  return {
    principal: { id: 'drill', type: 'system' },
    accessEpoch: 1,
    readScope: { all: true },
    scopes: [...defaultScopes],
    ...(idempotency === undefined ? {} : { idempotency }),
  };
}

/**
 * Stops the process again and again until it stands still where this is so: a commit whose answer has not gone out lasts less
 * than a millisecond, and a kill at a moment of its own seldom meets it.
 */
async function frozenWhere(met: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    running.signal('SIGSTOP');
    // What is on its way arrives: the database ends its statements, this process reads the answers.
    await pause(30);
    if (await met()) return;
    running.signal('SIGCONT');
    await pause(1 + (tries % 5));
  }
}

async function countStored(): Promise<number> {
  const [row] = await admin.sql<{
    count: number;
  }>`select count(*)::int as count from inventory.allocation where consumer_service = 'drill'`;
  return row?.count ?? 0;
}

async function everyAllocation() {
  const items: Allocation[] = [];
  let cursor: string | undefined;
  do {
    const page = await running.inventory.allocation.list(caller(), {
      consumerService: 'drill',
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return items;
}

async function everyFact() {
  const facts: Awaited<ReturnType<Inventory['feed']['page']>>['items'] = [];
  for (let more = true; more;) {
    const page = await running.inventory.feed.page(caller(), { afterPos: facts.at(-1)?.pos ?? 0, limit: 1000 });
    facts.push(...page.items);
    more = page.more;
  }
  return facts;
}

/** Every fact has its position, and the bus has acknowledged the last of them. */
async function relayCaughtUp(): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const [row] = await admin.sql<{ waiting: number; last: number; published: number }>`
      select count(*) filter (where pos is null)::int as waiting, coalesce(max(pos), 0)::int as last,
        coalesce((select position from inventory.lease where name = 'feed.publish'), 0)::int as published
      from inventory.feed`;
    if (row !== undefined && row.waiting === 0 && row.published === row.last) return;
    await pause(100);
  }
  throw new Error('the relay has not caught up after thirty seconds');
}

interface Running extends Started {
  readonly inventory: Inventory;
  readonly port: number;
}

/** The deployment itself, told to run inventory alone. */
async function startInventory(port: number): Promise<Running> {
  const file = (name: string, text: string) => {
    const at = path.join(folder, name);
    writeFileSync(at, text, { mode: 0o600 });
    return at;
  };
  const url = new URL(place.adminUrl);
  const child = await startProcess({
    SENTRAL_CONTEXTS: 'inventory',
    SENTRAL_INTERNAL_PORT: String(port),
    SENTRAL_INTERNAL_KEY_FILE: file('internal.key', Buffer.from(key).toString('base64')),
    SENTRAL_FEED_KEY_FILE: file('feed.key', feedKey.toString('base64')),
    SENTRAL_NATS_URL: nats.url,
    SENTRAL_DATABASE_URL: `postgres://${url.host}${url.pathname}`,
    SENTRAL_DATABASE_PASSWORD_FILE: file(
      'passwords',
      ['app', 'read', 'platform'].map((role) => `inventory_${role}:sentral`).join('\n'),
    ),
    SENTRAL_DATA_DIR: folder,
  });
  const inventory = remoteContext(contract, {
    baseUrl: child.baseUrl,
    token: (audience) => mintInternalToken(key, audience, Math.floor(Date.now() / 1000)),
  });
  return { ...child, inventory, port: Number(new URL(child.baseUrl).port) };
}
