import type { refusalRoutes } from '@sentral/contracts/api/inventory/refusals';
import type { Handlers } from '../http/mount.js';
import { seeingHosts } from './hosts.js';
import { done, listed, openCursor } from './shape.js';
import type { World } from './world.js';

export function refusalHandlers({ inventory, cursors }: World): Handlers<typeof refusalRoutes> {
  return {
    listRefusals: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await inventory.refusal.list(seeingHosts(asked), {
          ...openCursor(cursors, asked, query),
          environmentId: query.environmentId,
        }),
      ),
    getRefusal: async ({ params }, asked) => done(await inventory.refusal.get(seeingHosts(asked), params)),
  };
}
