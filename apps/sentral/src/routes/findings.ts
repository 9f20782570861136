import type { findingRoutes } from '@sentral/contracts/api/inventory/findings';
import { requireVersion, type Handlers } from '../http/mount.js';
import { done, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

export function findingHandlers({ inventory, cursors }: World): Handlers<typeof findingRoutes> {
  const { observation, finding } = inventory;
  return {
    reportObservations: async ({ body }, asked) => done(await observation.report(asked.caller, body)),
    listObservations: async ({ query }, asked) => {
      const { nodeId, source } = query;
      const command = { ...openCursor(cursors, asked, query), nodeId, source };
      return listed(cursors, asked, await observation.list(asked.caller, command));
    },
    listFindings: async ({ query }, asked) => {
      const { state, kind, source, nodeId } = query;
      const command = { ...openCursor(cursors, asked, query), state, kind, source, nodeId };
      return listed(cursors, asked, await finding.list(asked.caller, command));
    },
    getFinding: async ({ params }, asked) => shown(await finding.get(asked.caller, params)),
    acceptFinding: async ({ params, body }, asked) =>
      shown(await finding.accept(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
    repairFinding: async ({ params, body }, asked) =>
      shown(await finding.repair(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
    resolveFinding: async ({ params, body }, asked) =>
      shown(await finding.resolve(asked.caller, { ...params, ...body, version: requireVersion(asked) })),
  };
}
