import { runConformance } from '@sentral/contracts/conformance/kit';
import { tenancyConformance } from '@sentral/contracts/conformance/tenancy';
import { remoteContext } from '@sentral/contracts/client-internal';
import { serveContext } from '@sentral/contracts/server-internal';
import { tenancy as contract } from '@sentral/contracts/tenancy';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Tenancy } from '../src/index.js';
import { openTenancy, type Opened } from './open.js';

let opened: Opened;
let tenancy: Tenancy;

beforeAll(async () => {
  opened = await openTenancy();
  ({ tenancy } = opened);
});
afterAll(() => opened.close());

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
