import { runConformance } from '@sentral/contracts/conformance/kit';
import { tenancyConformance } from '@sentral/contracts/conformance/tenancy';
import { remoteContext } from '@sentral/contracts/client-internal';
import { serveContext } from '@sentral/contracts/server-internal';
import { tenancy as contract } from '@sentral/contracts/tenancy';
import { openDatabase, type Database } from '@sentral/kernel/database';
import { createTestDatabase, type TestDatabase } from '@sentral/testing';
import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { createTenancy, type Tenancy } from '../src/index.js';

let place: TestDatabase;
let db: { app: Database; read: Database; platform: Database; admin: Database };
let tenancy: Tenancy;

beforeAll(async () => {
  place = await createTestDatabase(inject('postgresUrl'));
  const as = (url: string): Database => openDatabase({ url, applicationName: 'tenancy-test', poolSize: 2 });
  db = {
    app: as(place.url('tenancy_app')),
    read: as(place.url('tenancy_read')),
    platform: as(place.url('tenancy_platform')),
    admin: as(place.adminUrl),
  };
  tenancy = createTenancy({ db }, { results: true });
});
afterAll(async () => {
  await Promise.all(Object.values(db).map((each) => each.close()));
  await place.drop();
});

describe('the contract of tenancy holds in process', () => {
  runConformance(tenancyConformance, { test, subject: async () => tenancy, seed: 'near' });
});

describe('the contract of tenancy holds over the internal wire', () => {
  const overJson = async (): Promise<Tenancy> => {
    const serve = serveContext(contract, tenancy, { verify: async () => {} });
    return remoteContext(contract, {
      baseUrl: 'http://tenancy.internal',
      token: async () => 'token',
      fetch: (input, init) => serve(new Request(input, init)),
    });
  };
  runConformance(tenancyConformance, { test, subject: overJson, seed: 'far' });
});
