import type { quotaRoutes } from '@sentral/contracts/api/tenancy/quotas';
import type { QuotaUse } from '@sentral/contracts/tenancy/quota';
import { facade } from '../auth/sessions.js';
import { requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { onEach } from './scoped.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

const limited = ['Tenant', 'Project', 'Environment'] as const;
type Page = { readonly limit?: number | undefined; readonly cursor?: string | undefined };

export function quotaHandlers({ tenancy, inventory, task, cursors }: World): Handlers<typeof quotaRoutes> {
  const scopeId = (asked: Asked) => asked.scopeId ?? 'platform';
  return {
    ...onEach(
      limited,
      { verb: 'create', noun: 'Quota' },
      async ({ body }: { body: Omit<Parameters<World['tenancy']['quota']['create']>[1], 'scopeId'> }, asked: Asked) =>
        createdAt(await tenancy.quota.create(here(asked), { ...body, scopeId: scopeId(asked) }), '/v1/quotas'),
    ),
    ...onEach(limited, { verb: 'list', noun: 'Quotas' }, async ({ query }: { query: Page }, asked: Asked) => {
      // The scope itself was authorized; who sees it from above sees its totals, and its parts only with rights inside.
      const [limits, own, held, running] = await Promise.all([
        tenancy.quota.list(here(asked), { ...openCursor(cursors, asked, query), scopeId: scopeId(asked) }),
        tenancy.quota.use(here(asked), { scopeId: scopeId(asked) }),
        inventory.usage.now(here(asked), { scopeId: scopeId(asked) }),
        task.usage.now(here(asked), { scopeId: scopeId(asked) }),
      ]);
      const answer = listed(cursors, asked, limits);
      const children = await onlyVisible(asked, [...own.children, ...held.children]);
      const cut = own.childrenCut === true || held.childrenCut === true ? { childrenCut: true as const } : {};
      return { ...answer, body: { ...answer.body, use: [...own.own, ...held.own, ...running.own], children, ...cut } };
    }),
    getQuota: async ({ params }, asked) => shown(await tenancy.quota.get(asked.caller, params)),
    amendQuota: async ({ params, body }, asked) =>
      shown(await tenancy.quota.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    deleteQuota: async ({ params }, asked) =>
      shown(await tenancy.quota.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    ...onEach(
      limited,
      { verb: 'get', noun: 'Usage' },
      async ({ query }: { query: { from: string; to: string } }, asked: Asked) => ({
        status: 200 as const,
        body: await inventory.usage.between(here(asked), { ...query, scopeId: scopeId(asked) }),
      }),
    ),
  };
}

/**
 * The door has decided on this very scope. No read scope can say that a grant on the platform reaches a tenant's own limits, and a
 * scope made a moment ago is one that inventory may not have heard of.
 */
const here = (asked: Asked) => ({ ...asked.caller, readScope: facade.readScope });

async function onlyVisible(asked: Asked, uses: readonly QuotaUse[]): Promise<QuotaUse[]> {
  const kinds = { prj: 'tenancy.project.read', env: 'tenancy.environment.read' } as const;
  const seen = await Promise.all(
    uses.map(async ({ scopeId }) => {
      const permission = kinds[scopeId.slice(0, 3) as keyof typeof kinds];
      return permission !== undefined && asked.access.mayOn(permission, scopeId);
    }),
  );
  return uses.filter((_, at) => seen[at] === true);
}
