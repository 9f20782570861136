import { problem } from '@sentral/contracts/problem';
import { expect, test } from 'vitest';
import type { Asked } from '../http/mount.js';
import { eventHandlers } from './events.js';
import type { World } from './world.js';

const event = { type: 'dev.dataverket.tenancy.project.renamed.v1', tenantid: 'tnt_01jz0000000000000000000000' };
const page = { items: [{ seq: 0, event }], examined: 0, more: false };

/** The answer of a page of one event, where the question of who sees it ends with `failure`. */
const answered = (failure: Error) => {
  const world = { audit: { event: { page: async () => page } }, cursors: {} } as unknown as World;
  const mayOn = () => Promise.reject(failure);
  const asked = { caller: {}, chain: [], raw: new Request('http://sentral/'), access: { mayOn } } as unknown as Asked;
  return eventHandlers(world, {} as never).listEvents({ params: {}, query: {} } as never, asked);
};

test('an event whose scope is gone for good is left out, and one of whose scope nothing is heard is not passed over', async () => {
  expect((await answered(problem('not-found', { resourceType: 'tenant' }))).body).toEqual({ items: [] });
  await expect(answered(problem('overloaded', {}))).rejects.toMatchObject({ code: 'overloaded' });
});
