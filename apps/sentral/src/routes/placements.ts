import type { placementRoutes } from '@sentral/contracts/api/inventory/placements';
import { requireVersion, type Handlers } from '../http/mount.js';
import { createdAt, done, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

export function placementHandlers({ inventory, cursors }: World): Handlers<typeof placementRoutes> {
  const { placement, pool } = inventory;
  return {
    createPool: async ({ body }, asked) => createdAt(await pool.create(asked.caller, body), '/v1/pools'),
    listPools: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await pool.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          name: query.name,
          nodeId: query.nodeId,
        }),
      ),
    getPool: async ({ params }, asked) => shown(await pool.get(asked.caller, params)),
    amendPool: async ({ params, body }, asked) =>
      shown(await pool.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    removePool: async ({ params }, asked) =>
      shown(await pool.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    getPoolCapacity: async ({ params }, asked) => done(await pool.capacity(asked.caller, params)),
    findPlacements: async ({ params, body }, asked) =>
      done(await placement.candidates(asked.caller, { ...body, environmentId: params.id })),
  };
}
