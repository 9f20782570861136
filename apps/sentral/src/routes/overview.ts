import type { overviewRoutes } from '@sentral/contracts/api/overview';
import { isProblem } from '@sentral/contracts/problem';
import type { Permission } from '@sentral/contracts/access';
import type { Asked, Handlers } from '../http/mount.js';
import type { World } from './world.js';

/** What the whole answer may take; a context that is slower takes its own part along and nothing else. */
const budgetMs = 1_000;
const few = 20;

export function overviewHandlers({ tenancy, inventory }: World): Handlers<typeof overviewRoutes> {
  return {
    getProjectOverview: async ({ params: { id } }, asked) => {
      const until = Date.now() + budgetMs;
      const seenAs = (permission: Permission) => ({ ...asked.caller, readScope: asked.access.readScope(permission) });
      const part = <T>(permission: Permission, ask: () => Promise<T>) =>
        composed(asked, { permission, ask, withinMs: until - Date.now() });
      const [scope, environments, allocations, quota, policy] = await Promise.all([
        part('tenancy.project.read', () => tenancy.scope.get(seenAs('tenancy.project.read'), { id })),
        part('tenancy.environment.read', async () =>
          page(
            await tenancy.scope.list(seenAs('tenancy.environment.read'), {
              kind: 'environment',
              parentId: id,
              limit: few,
            }),
          ),
        ),
        part('inventory.allocation.read', async () =>
          page(
            await inventory.allocation.list(seenAs('inventory.allocation.read'), {
              projectId: id,
              state: ['held', 'active', 'releasing'],
              limit: few,
            }),
          ),
        ),
        part('tenancy.usage.read', () => inventory.usage.now(seenAs('tenancy.usage.read'), { scopeId: id })),
        part('tenancy.policy.read', () => tenancy.policy.effective(seenAs('tenancy.policy.read'), { scopeId: id })),
      ]);
      return {
        status: 200,
        body: {
          scopeId: id,
          budgetMs,
          at: new Date().toISOString(),
          parts: { scope, environments, allocations, quota, policy },
        },
      };
    },
  };
}

type Part<T> = { status: 'ok'; data: T } | { status: 'unavailable' | 'hidden'; reason: string };

async function composed<T>(
  asked: Asked,
  use: { permission: Permission; ask: () => Promise<T>; withinMs: number },
): Promise<Part<T>> {
  if (!asked.access.may(use.permission)) return { status: 'hidden', reason: `${use.permission} is missing` };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Part<T>>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'unavailable', reason: 'no answer within the budget' }), use.withinMs);
  });
  const answer = use.ask().then(
    (data): Part<T> => ({ status: 'ok', data }),
    // What it says of itself is for the log of its own process; here it is away.
    (error: unknown): Part<T> => ({
      status: 'unavailable',
      reason: isProblem(error) ? error.code : 'internal',
    }),
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

const page = <T>({ items, nextCursor }: { items: T[]; nextCursor?: string | undefined }) => ({
  items,
  more: nextCursor !== undefined,
});
