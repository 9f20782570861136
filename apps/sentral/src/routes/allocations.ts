import type { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import { requireIdempotencyKey, type Asked, type Handlers } from '../http/mount.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

export function allocationHandlers({ inventory, cursors }: World): Handlers<typeof allocationRoutes> {
  return {
    createAllocation: async ({ params, body }, asked) => {
      requireIdempotencyKey(asked);
      return createdAt(
        await inventory.allocation.reserve(asked.caller, {
          ...body,
          environmentId: params.id,
          version: versionOf(asked),
        }),
        '/v1/allocations',
        asked,
      );
    },
    listAllocations: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.allocation.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          environmentId: query.environmentId,
          consumerService: query['consumer.service'],
          consumerKind: query['consumer.kind'],
          consumerId: query['consumer.id'],
          state: query.state,
          nodeId: query.nodeId,
        }),
      ),
    getAllocation: async ({ params }, asked) => shown(await inventory.allocation.get(asked.caller, params)),
    confirmAllocation: async ({ params }, asked) =>
      shown(await inventory.allocation.confirm(asked.caller, { ...params, version: versionOf(asked) }), asked),
    renewAllocation: async ({ params, body }, asked) =>
      shown(await inventory.allocation.renew(asked.caller, { ...params, ...body, version: versionOf(asked) }), asked),
    releaseAllocation: async ({ params, body }, asked) =>
      shown(await inventory.allocation.release(asked.caller, { ...params, ...body, version: versionOf(asked) }), asked),
    deleteAllocation: async ({ params }, asked) =>
      shown(await inventory.allocation.release(asked.caller, { ...params, version: versionOf(asked) }), asked),
  };
}

/** No If-Match is needed here; one that is sent is honoured. */
const versionOf = (asked: Asked) => (asked.ifMatch === 'any' ? undefined : asked.ifMatch);
