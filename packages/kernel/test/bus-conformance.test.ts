import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { BusKit } from '../src/bus/conformance-kit.js';
import { busLifecycleConformance } from '../src/bus/conformance-lifecycle.js';
import { busConformance } from '../src/bus/conformance.js';
import { loopbackBroker } from '../src/bus/loopback.js';
import type { DeadLetter } from '../src/bus/port.js';
import { busDatabase, type BusDatabase } from './bus-database.js';
import { loopbackKit, mailboxKit, natsKit } from './bus-kits.js';

const cases = [...busConformance, ...busLifecycleConformance];

function suite(kit: () => BusKit): void {
  test.concurrent.each(cases.map((each) => [each.title, each] as const))('%s', async (_title, each) => {
    await expect(each.run(kit())).resolves.toBeUndefined();
  });
}

describe('loopback', () => {
  const kit = loopbackKit(loopbackBroker());
  suite(() => kit);
});

describe('mailbox', () => {
  let database: BusDatabase;
  beforeAll(async () => {
    database = await busDatabase(inject('postgresUrl'), 'bus_conformance');
  });
  afterAll(() => database.drop());
  suite(() => mailboxKit(database.db));
});

const natsUrl = inject('natsUrl');

// Empty only where SENTRAL_TEST_WITHOUT_NATS=1 was set by hand; a server that cannot be had fails the run before this.
describe.runIf(natsUrl !== '')('nats', () => {
  const kit = natsKit(natsUrl, [] as DeadLetter[]);
  suite(() => kit);
});

test('NATS is left out only when a person said so', () => {
  expect(natsUrl !== '' || process.env['SENTRAL_TEST_WITHOUT_NATS'] === '1').toBe(true);
});
