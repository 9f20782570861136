import { remoteContext } from '@sentral/contracts/client-internal';
import { defaultScopes } from '@sentral/contracts/conformance/inventory-allocation';
import { inventoryConformance } from '@sentral/contracts/conformance/inventory';
import { runConformance } from '@sentral/contracts/conformance/kit';
import type { Caller } from '@sentral/contracts/contract';
import { mintInternalToken, verifyInternalToken } from '@sentral/contracts/internal-token';
import { inventory as contract } from '@sentral/contracts/inventory';
import { serveContext } from '@sentral/contracts/server-internal';
import { openLoopback } from '@sentral/kernel/bus/loopback';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { startRelay, type Relay } from '@sentral/kernel/relay';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createInventory, type Inventory } from '../src/index.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database };
let inventory: Inventory;
let relay: Relay;
let server: Server;
let baseUrl: string;

const key = new Uint8Array(randomBytes(32));
const nowSeconds = () => Math.floor(Date.now() / 1000);

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string): Database =>
    openDatabase({ url: place.url(role), applicationName: 'inventory-test', poolSize: 8 });
  db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  const telemetry = createTelemetry({ level: 'error', write: () => undefined });
  inventory = createInventory(
    { db, now: () => new Date(), newId, telemetry },
    { results: true, report: (verb, error) => console.error(verb, error) },
  );
  // Facts have no position until the relay has given them one.
  relay = startRelay({
    db: db.app,
    schema: 'inventory',
    context: 'inventory',
    bus: openLoopback(),
    log: telemetry.log,
    pollMs: [20, 50],
  });
  server = await overHttp(
    serveContext(contract, inventory, {
      verify: (bearer, audience) => verifyInternalToken(key, bearer, { audience, nowSeconds: nowSeconds() }),
    }),
  );
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  await relay.stop();
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

describe('the contract of inventory holds in process', () => {
  runConformance(inventoryConformance, { test, subject: async () => inventory, seed: 'near' });
});

describe('the contract of inventory holds over the internal wire', () => {
  const far = async (): Promise<Inventory> =>
    remoteContext(contract, { baseUrl, token: (audience) => mintInternalToken(key, audience, nowSeconds()) });
  runConformance(inventoryConformance, { test, subject: far, seed: 'far' });
});

describe('the internal wire opens to nobody without the key', () => {
  const caller: Caller = {
    principal: { id: 'stranger', type: 'system' },
    accessEpoch: 1,
    readScope: { all: true },
    scopes: [...defaultScopes],
  };
  const register = (name: string, authorization?: string) =>
    fetch(`${baseUrl}/internal/v1/inventory/node/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      body: JSON.stringify({ caller, command: { kind: 'site', name } }),
    });
  const bearer = async (token: Promise<string>) => `Bearer ${await token}`;
  const mint = { audience: 'inventory', at: 0, key };
  const token = (changes: Partial<typeof mint>) => {
    const { audience, at, key: with_ } = { ...mint, ...changes };
    return bearer(mintInternalToken(with_, audience, nowSeconds() + at));
  };

  test.each<[string, string, () => Promise<string | undefined>]>([
    ['without a token', 'bare', async () => undefined],
    ['with an empty token', 'empty', async () => 'Bearer '],
    ['with an expired token', 'expired', () => token({ at: -120 })],
    ['with a token of another context', 'audience', () => token({ audience: 'tenancy' })],
    ['with a token under another key', 'key', () => token({ key: new Uint8Array(randomBytes(32)) })],
    ['with a token that is not valid yet', 'early', () => token({ at: 120 })],
    ['with a token whose signature is cut off', 'unsigned', async () => (await token({})).replace(/\.[^.]*$/, '.')],
  ])('%s a node is not registered', async (_, name, authorization) => {
    const response = await register(`stranger-${name}`, await authorization());
    expect([response.status, response.headers.get('content-type')]).toEqual([401, 'application/problem+json']);
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' });
    expect((await inventory.node.list(caller, { name: `stranger-${name}` })).items).toEqual([]);
  });

  test('with the token of inventory it is', async () => {
    expect((await register('friend', await token({}))).status).toBe(200);
    expect((await inventory.node.list(caller, { name: 'friend' })).items).toHaveLength(1);
  });

  test('a remote whose own token is refused tells its caller no more than internal', async () => {
    const far = remoteContext(contract, { baseUrl, token: () => mintInternalToken(key, 'tenancy', nowSeconds()) });
    await expect(far.node.list(caller, {})).rejects.toMatchObject({ code: 'internal' });
  });
});

/** A real server on loopback in front of what answers a Request. */
async function overHttp(answer: (request: Request) => Promise<Response>): Promise<Server> {
  const listening = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
      const body = Buffer.concat(chunks).toString('utf8');
      void answer(
        new Request(`http://127.0.0.1${incoming.url ?? '/'}`, { method: incoming.method ?? 'GET', headers, body }),
      ).then(async (response) => {
        outgoing.writeHead(response.status, Object.fromEntries(response.headers));
        outgoing.end(await response.text());
      });
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return listening;
}
