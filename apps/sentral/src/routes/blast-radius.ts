import type { blastRadiusRoutes } from '@sentral/contracts/api/inventory/blast-radius';
import type { Permission } from '@sentral/contracts/access';
import type { Caller, ReadScope } from '@sentral/contracts/contract';
import type { Asked, Handlers } from '../http/mount.js';
import { budgetMs, composed, within } from './composed.js';
import { seesHolder } from './holder.js';
import type { World } from './world.js';

/** How many environments are asked for their tasks and holds, and how many of each are shown. */
const few = 20;

interface Hit {
  readonly allocations: readonly { tenantId: string; projectId?: string | undefined; environmentId: string }[];
  readonly scopes: { tenantIds: readonly string[]; projectIds: readonly string[]; environmentIds: readonly string[] };
}

/** Who runs the platform learns whose tenants are hit and how much of them, and nothing inside of them. */
function seenOf<H extends Hit>(hit: H, asked: Asked): H {
  const scope: ReadScope = asked.access.readScope('inventory.allocation.read');
  if ('all' in scope) return hit;
  const allocations = hit.allocations.filter((each) => seesHolder(asked, each));
  const shown = (of: 'projectId' | 'environmentId') => new Set(allocations.map((each) => each[of]));
  const [projects, environments] = [shown('projectId'), shown('environmentId')];
  const scopes = {
    tenantIds: hit.scopes.tenantIds,
    projectIds: hit.scopes.projectIds.filter((id) => projects.has(id)),
    environmentIds: hit.scopes.environmentIds.filter((id) => environments.has(id)),
  };
  return { ...hit, allocations, scopes };
}

export function blastRadiusHandlers({ tenancy, inventory, task }: World): Handlers<typeof blastRadiusRoutes> {
  type Command = Parameters<typeof inventory.blastRadius.get>[1];
  const answer = async (asked: Asked, command: Command) => {
    const hit = await inventory.blastRadius.get(asked.caller, command);
    const environments = hit.scopes.environmentIds.slice(0, few);
    const parts = await within(async (signal) => {
      const part = <T>(permission: Permission, ask: (seen: Caller) => Promise<T>) => {
        const seen = { ...asked.caller, readScope: asked.access.readScope(permission) };
        return composed(asked, { permission, ask: () => ask(seen), signal });
      };
      const [tasks, holds] = await Promise.all([
        part('task.task.read', async (seen) => {
          const found = await Promise.all(
            environments.map((scopeId) => task.task.living(seen, { scopeId, limit: few }, { signal })),
          );
          const items = found.flatMap((each) => each.items).toSorted((a, b) => (a.id < b.id ? 1 : -1));
          return { items: items.slice(0, few), more: items.length > few || found.some(({ more }) => more) };
        }),
        part('tenancy.hold.read', async (seen) => {
          const asks = [{ resourceId: command.id }, ...environments.map((scopeId) => ({ scopeId }))];
          const found = await Promise.all(
            asks.map((ask) => tenancy.hold.list(seen, { ...ask, limit: few }, { signal })),
          );
          const items = [...new Map(found.flatMap((each) => each.items).map((each) => [each.id, each])).values()];
          const more = items.length > few || found.some(({ nextCursor }) => nextCursor !== undefined);
          return { items: items.slice(0, few), more };
        }),
      ]);
      return { tasks, holds };
    });
    return {
      status: 200 as const,
      body: { ...seenOf(hit, asked), budgetMs, environmentsAsked: environments.length, ...parts },
    };
  };
  return {
    getNodeBlastRadius: ({ params, query }, asked) => answer(asked, { ...params, ...query }),
    getBlockBlastRadius: ({ params, query }, asked) => answer(asked, { ...params, ...query }),
    getRangeBlastRadius: ({ params, query }, asked) => answer(asked, { ...params, ...query }),
  };
}
