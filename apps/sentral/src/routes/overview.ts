import type { overviewRoutes } from '@sentral/contracts/api/overview';
import type { Permission } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import type { AuditRecord } from '@sentral/contracts/audit/record';
import { facade } from '../auth/sessions.js';
import type { Handlers } from '../http/mount.js';
import { budgetMs, composed, within } from './composed.js';
import type { World } from './world.js';

const few = 20;
const changesSinceMs = 30 * 24 * 3_600_000;

export function overviewHandlers({ tenancy, inventory, task, audit }: World): Handlers<typeof overviewRoutes> {
  return {
    getProjectOverview: async ({ params: { id } }, asked) => {
      const seenAs = (permission: Permission) => ({ ...asked.caller, readScope: asked.access.readScope(permission) });
      const environmentsOf = { kind: 'environment', parentId: id, limit: few } as const;
      const living = { projectId: id, state: ['held', 'active', 'releasing'], limit: few } as const;
      const from = new Date(Date.now() - changesSinceMs).toISOString();
      const changed = { projectId: id, class: ['change' as const], from, limit: few };
      const parts = await within(async (signal) => {
        const part = <T>(permission: Permission, ask: (seen: Caller) => Promise<T>) =>
          composed(asked, { permission, ask: () => ask(seenAs(permission)), signal });
        const [scope, environments, allocations, quota, policy, tasks, changes] = await Promise.all([
          part('tenancy.project.read', (seen) => tenancy.scope.get(seen, { id }, { signal })),
          part('tenancy.environment.read', async (seen) =>
            page(await tenancy.scope.list(seen, environmentsOf, { signal })),
          ),
          part('inventory.allocation.read', async (seen) =>
            page(await inventory.allocation.list(seen, { ...living, state: [...living.state] }, { signal })),
          ),
          // Decided on this very scope, which inventory may not have heard of yet.
          part('tenancy.usage.read', () =>
            inventory.usage.now({ ...asked.caller, readScope: facade.readScope }, { scopeId: id }, { signal }),
          ),
          part('tenancy.policy.read', (seen) => tenancy.policy.effective(seen, { scopeId: id }, { signal })),
          part('task.task.read', (seen) => task.task.living(seen, { scopeId: id, limit: few }, { signal })),
          part('audit.record.read', async (seen) => {
            const { items, ...rest } = await audit.record.list(seen, changed, { signal });
            return page({ ...rest, items: items.map(changeOf) });
          }),
        ]);
        return { scope, environments, allocations, quota, policy, tasks, changes };
      });
      return {
        status: 200,
        body: {
          scopeId: id,
          budgetMs,
          at: new Date().toISOString(),
          parts,
        },
      };
    },
  };
}

const changeOf = ({ id, occurredAt, action, actor, scope, resource, reason }: AuditRecord) => ({
  id,
  occurredAt,
  action,
  actor,
  scope,
  resource,
  reason,
});

const page = <T>({ items, nextCursor }: { items: T[]; nextCursor?: string | undefined }) => ({
  items,
  more: nextCursor !== undefined,
});
