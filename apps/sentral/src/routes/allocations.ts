import type { allocationRoutes } from '@sentral/contracts/api/inventory/allocations';
import { requireIdempotencyKey, requireVersion, type Handlers } from '../http/mount.js';
import { authorizeBatch } from './allocation-batch.js';
import { seeingHosts } from './hosts.js';
import { createdAt, done, listed, openCursor, shown, versionOf } from './shape.js';
import type { World } from './world.js';

export function allocationHandlers(world: World): Handlers<typeof allocationRoutes> {
  const { inventory, cursors } = world;
  return {
    createAllocation: async ({ params, query, body }, asked) => {
      requireIdempotencyKey(asked);
      return createdAt(
        await inventory.allocation.reserve(seeingHosts(asked), {
          ...body,
          environmentId: params.id,
          version: versionOf(asked),
          ...(query.dryRun === 'hold' ? { hold: true } : {}),
        }),
        '/v1/allocations',
      );
    },
    findEarliestAllocation: async ({ params, body }, asked) =>
      done(await inventory.allocation.earliest(seeingHosts(asked), { ...body, environmentId: params.id })),
    listAllocations: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.allocation.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          asOf: query.asOf,
          environmentId: query.environmentId,
          consumerService: query['consumer.service'],
          consumerKind: query['consumer.kind'],
          consumerId: query['consumer.id'],
          state: query.state,
          nodeId: query.nodeId,
          domainId: query.domainId,
          number: query.number,
          spaceId: query.spaceId,
          address: query.address,
          blockId: query.blockId,
        }),
      ),
    getAllocation: async ({ params, query }, asked) =>
      shown(await inventory.allocation.get(asked.caller, { ...params, ...query })),
    replaceAllocation: async ({ params, body }, asked) =>
      shown(
        await inventory.allocation.replace(seeingHosts(asked), { ...params, ...body, version: requireVersion(asked) }),
      ),
    batchAllocations: async ({ query, body }, asked) => {
      requireIdempotencyKey(asked);
      const scopes = await authorizeBatch(world, asked, body.operations);
      const hold = query.dryRun === 'hold' ? { hold: true as const } : {};
      return done(await inventory.allocation.batch({ ...seeingHosts(asked), scopes }, { ...body, ...hold }));
    },
    confirmAllocation: async ({ params }, asked) =>
      shown(await inventory.allocation.confirm(asked.caller, { ...params, version: versionOf(asked) })),
    renewAllocation: async ({ params, body }, asked) =>
      shown(await inventory.allocation.renew(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    releaseAllocation: async ({ params, body }, asked) =>
      shown(await inventory.allocation.release(asked.caller, { ...params, ...body, version: versionOf(asked) })),
    deleteAllocation: async ({ params }, asked) =>
      shown(await inventory.allocation.release(asked.caller, { ...params, version: versionOf(asked) })),
  };
}
