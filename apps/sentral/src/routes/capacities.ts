import type { capacityRoutes } from '@sentral/contracts/api/inventory/capacities';
import { etagOf } from '../http/preconditions.js';
import { requireVersion, type Handlers } from '../http/mount.js';
import { shown, versionOf } from './shape.js';
import type { World } from './world.js';

export function capacityHandlers({ inventory }: World): Handlers<typeof capacityRoutes> {
  const { capacity } = inventory;
  return {
    listCapacities: async ({ params }, asked) => shown(await capacity.list(asked.caller, { nodeId: params.id })),
    addCapacity: async ({ params, body }, asked) => {
      const all = await capacity.add(asked.caller, { nodeId: params.id, version: versionOf(asked), capacity: body });
      const { headers } = shown(all);
      const location = `/v1/nodes/${params.id}/capacities/${body.class}`;
      return { status: 201, body: all, headers: { ...headers, location, etag: etagOf(all) } };
    },
    setCapacities: async ({ params, body }, asked) =>
      shown(await capacity.set(asked.caller, { nodeId: params.id, version: requireVersion(asked), ...body })),
    getCapacity: async ({ params }, asked) =>
      shown(await capacity.get(asked.caller, { nodeId: params.id, class: params.class })),
    amendCapacity: async ({ params, body }, asked) =>
      shown(
        await capacity.amend(asked.caller, {
          nodeId: params.id,
          class: params.class,
          version: requireVersion(asked),
          patch: body,
        }),
      ),
    removeCapacity: async ({ params }, asked) =>
      shown(
        await capacity.remove(asked.caller, {
          nodeId: params.id,
          class: params.class,
          version: requireVersion(asked),
        }),
      ),
  };
}
