import { remoteContext } from '@sentral/contracts/client-internal';
import { inventoryConformance } from '@sentral/contracts/conformance/inventory';
import { runConformance } from '@sentral/contracts/conformance/kit';
import { inventory as contract } from '@sentral/contracts/inventory';
import { serveContext } from '@sentral/contracts/server-internal';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { newId } from '@sentral/kernel/id';
import { createTelemetry } from '@sentral/kernel/telemetry';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { createInventory, type Inventory } from '../src/index.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database };
let inventory: Inventory;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (role: string): Database => openDatabase({ url: place.url(role), applicationName: 'inventory-test', poolSize: 8 });
  db = { app: as('inventory_app'), read: as('inventory_read'), platform: as('inventory_platform') };
  const telemetry = createTelemetry({ level: 'error', write: () => undefined });
  inventory = createInventory({ db, now: () => new Date(), newId, telemetry }, { results: true, report: (verb, error) => console.error(verb, error) });
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

describe('the contract of inventory holds in process', () => {
  runConformance(inventoryConformance, { test, subject: async () => inventory, seed: 'near' });
});

describe('the contract of inventory holds over the internal wire', () => {
  const overJson = async (): Promise<Inventory> => {
    const serve = serveContext(contract, inventory, { verify: async () => {} });
    return remoteContext(contract, {
      baseUrl: 'http://inventory.internal',
      token: async () => 'token',
      fetch: (input, init) => serve(new Request(input, init)),
    });
  };
  runConformance(inventoryConformance, { test, subject: overJson, seed: 'far' });
});
