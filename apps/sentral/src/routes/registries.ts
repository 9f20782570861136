import type { registryRoutes } from '@sentral/contracts/api/inventory/registries';
import { requireVersion, type Handlers } from '../http/mount.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

/** Named by its key, in place of an id. */
const madeAt = <T extends { readonly key: string; readonly version: number }>(body: T, path: string) => ({
  ...createdAt({ ...body, id: body.key }, path),
  body,
});

export function registryHandlers({ inventory, cursors }: World): Handlers<typeof registryRoutes> {
  const { resourceClass, trait } = inventory;
  return {
    createResourceClass: async ({ body }, asked) =>
      madeAt(await resourceClass.create(asked.caller, body), '/v1/resourceClasses'),
    listResourceClasses: async ({ query }, asked) =>
      listed(cursors, asked, await resourceClass.list(asked.caller, openCursor(cursors, asked, query))),
    getResourceClass: async ({ params }, asked) => shown(await resourceClass.get(asked.caller, params)),
    amendResourceClass: async ({ params, body }, asked) =>
      shown(await resourceClass.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    removeResourceClass: async ({ params }, asked) =>
      shown(await resourceClass.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    createTrait: async ({ body }, asked) => madeAt(await trait.register(asked.caller, body), '/v1/traits'),
    listTraits: async ({ query }, asked) =>
      listed(cursors, asked, await trait.list(asked.caller, openCursor(cursors, asked, query))),
    getTrait: async ({ params }, asked) => shown(await trait.get(asked.caller, params)),
    amendTrait: async ({ params, body }, asked) =>
      shown(await trait.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    removeTrait: async ({ params }, asked) =>
      shown(await trait.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}
