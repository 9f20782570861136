import type { placementRoutes } from '@sentral/contracts/api/inventory/placements';
import { problem } from '@sentral/contracts/problem';
import { requireIdempotencyKey, requireVersion, type Handlers } from '../http/mount.js';
import { seeingHosts } from './hosts.js';
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
    findPlacements: async ({ params, query, body: { consumer, ...wanted } }, asked) => {
      const environmentId = params.id;
      if (query.dryRun === undefined) {
        if (consumer !== undefined) throw fault('contradiction', 'belongs to what is kept with dryRun=hold');
        return done(await placement.candidates(seeingHosts(asked), { ...wanted, environmentId }));
      }
      requireIdempotencyKey(asked);
      if (consumer === undefined) throw fault('required', 'say who the place is kept for');
      const missingPermission = 'inventory.allocation.create';
      if (!(await asked.access.mayOn(missingPermission, environmentId)))
        throw problem('permission-denied', { missingPermission, scope: environmentId });
      const { limit: _, explain: __, startsAt, endsAt, ...place } = wanted;
      const items = [{ what: 'place' as const, ...place }];
      return createdAt(
        await inventory.allocation.reserve(seeingHosts(asked), {
          environmentId,
          consumer,
          items,
          hold: true,
          startsAt,
          endsAt,
        }),
        '/v1/allocations',
      );
    },
  };
}

const fault = (code: string, message: string) =>
  problem('validation-failed', { errors: [{ pointer: '/consumer', code, message }] });
