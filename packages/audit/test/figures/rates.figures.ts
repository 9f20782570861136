import { encodeId } from '@sentral/contracts/ids';
import type { FeedItem } from '@sentral/contracts/shared-verbs';
import { newId } from '@sentral/kernel/id';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSigner } from '../../src/checkpoint/signer.js';
import { takeCheckpoint } from '../../src/checkpoint/take.js';
import { verifyAudit } from '../../src/operate.js';
import { followFeed } from '../../src/sequence/follow.js';
import { someFact, someFeed } from '../some-feed.js';
import { openStand, type Stand } from './stand.js';

const records = Number(process.env['SENTRAL_TEST_FIGURES_RECORDS'] ?? 50_000);
const signer = createSigner(createHash('sha256').update('figures').digest());

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.stop());

const rate = (count: number, began: number): string => {
  const seconds = (performance.now() - began) / 1_000;
  return `${Math.round(count / seconds)}/s (${count} in ${seconds.toFixed(1)} s)`;
};

/** Changes of allocations, of about 550 bytes as a record. */
function fact(pos: number, tenantId: FeedItem['tenantId']): FeedItem {
  const [node, request] = [newId(), newId()];
  return someFact(pos, {
    ...(tenantId === undefined ? {} : { tenantId }),
    type: 'inventory.allocation.created',
    resource: { type: 'inventory.allocation', id: encodeId('alc', node), version: 1 },
    event: { id: encodeId('alc', node), state: 'active' },
    audit: {
      principal: { id: encodeId('usr', newId()), type: 'user' },
      accessEpoch: 7,
      request: {
        id: encodeId('req', request),
        operation: 'createAllocation',
        permission: 'inventory.allocation.create',
      },
      before: null,
      after: { state: 'active', amount: pos, class: 'vcpu', name: `vm-${pos}` },
    },
  });
}

test('the sequencer with fifty tenant logs, and all of it verified anew', async () => {
  const tenants = Array.from({ length: 50 }, () => encodeId('tnt', newId()));
  const facts = Array.from({ length: records }, (_, at) => fact(at + 1, tenants[at % tenants.length]));
  const lease = await stand.lease();
  const began = performance.now();
  await followFeed(stand.deps, { context: 'inventory', feed: someFeed(facts), hold: async () => lease });
  console.log(`sequencer: ${rate(records, began)}, PostgreSQL ${stand.version}`);
  await takeCheckpoint(stand.deps, lease, { signer, emit: () => undefined, afterSeconds: 0 });
  const verifying = performance.now();
  const { records: verified, findings } = await verifyAudit(stand.admin);
  expect(findings).toEqual([]);
  console.log(`verified anew: ${rate(verified, verifying)}`);
});
