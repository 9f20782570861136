import type { accessRoutes } from '@sentral/contracts/api/tenancy/access';
import type { principalRoutes } from '@sentral/contracts/api/tenancy/principals';
import { everyPlace } from '@sentral/contracts/api/tenancy/scoped';
import { isProblem } from '@sentral/contracts/problem';
import { roles } from '@sentral/contracts/roles';
import { requireIdempotencyKey, requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { onEach } from './scoped.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

const accountPlaces = ['Platform', 'Tenant'] as const;
type Tenancy = World['tenancy'];
type BodyOf<N extends 'roleBinding' | 'denyRule' | 'serviceAccount'> = Omit<
  Parameters<Tenancy[N]['create']>[1],
  'scopeId'
>;
type Page = { readonly limit?: number | undefined; readonly cursor?: string | undefined };
/** Of things that only the platform and tenants have. */
const account = (asked: Asked) => (asked.scopeId ?? 'platform') as BodyScope;
type BodyScope = Parameters<Tenancy['denyRule']['create']>[1]['scopeId'];

export function accessHandlers({ tenancy, cursors }: World): Handlers<typeof accessRoutes> {
  return {
    listRoles: async () => ({
      status: 200,
      body: {
        items: Object.entries(roles).map(([key, { title, boundOn, permissions }]) => ({
          key,
          title,
          boundOn: [...boundOn],
          permissions: [...permissions],
        })),
      },
    }),
    checkAccess: async ({ body }, asked) => ({
      status: 200,
      body: {
        items: await Promise.all(
          body.checks.map(async ({ permission, scopeId }) => ({
            permission,
            scopeId,
            allowed: await asked.access.mayOn(permission, scopeId).catch(falseWhenMissing),
          })),
        ),
      },
    }),
    explainAccess: async ({ query }, asked) => ({
      status: 200,
      body: await tenancy.access.explain(asked.caller, {
        principalId: query.principal,
        permission: query.permission,
        scopeId: query.scope,
      }),
    }),
    ...onEach(
      everyPlace,
      { verb: 'create', noun: 'RoleBinding' },
      async ({ body }: { body: BodyOf<'roleBinding'> }, asked: Asked) =>
        createdAt(
          await tenancy.roleBinding.create(asked.caller, { ...body, scopeId: asked.scopeId ?? 'platform' }),
          '/v1/roleBindings',
        ),
    ),
    ...onEach(
      everyPlace,
      { verb: 'list', noun: 'RoleBindings' },
      async (
        { query }: { query: Page & Pick<Parameters<Tenancy['roleBinding']['list']>[1], 'subjectId' | 'role'> },
        asked: Asked,
      ) =>
        listed(
          cursors,
          asked,
          await tenancy.roleBinding.list(asked.caller, {
            ...openCursor(cursors, asked, query),
            scopeId: asked.scopeId,
            subjectId: query.subjectId,
            role: query.role,
          }),
        ),
    ),
    breakGlass: async ({ params, body }, asked) =>
      createdAt(
        await tenancy.roleBinding.breakGlass(asked.caller, { ...body, scopeId: params.id }),
        '/v1/roleBindings',
      ),
    getRoleBinding: async ({ params }, asked) => shown(await tenancy.roleBinding.get(asked.caller, params)),
    amendRoleBinding: async ({ params, body }, asked) =>
      shown(await tenancy.roleBinding.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    deleteRoleBinding: async ({ params }, asked) =>
      shown(await tenancy.roleBinding.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    ...onEach(
      accountPlaces,
      { verb: 'create', noun: 'DenyRule' },
      async ({ body }: { body: BodyOf<'denyRule'> }, asked: Asked) =>
        createdAt(await tenancy.denyRule.create(asked.caller, { ...body, scopeId: account(asked) }), '/v1/denyRules'),
    ),
    ...onEach(accountPlaces, { verb: 'list', noun: 'DenyRules' }, async ({ query }: { query: Page }, asked: Asked) =>
      listed(
        cursors,
        asked,
        await tenancy.denyRule.list(asked.caller, { ...openCursor(cursors, asked, query), scopeId: account(asked) }),
      ),
    ),
    getDenyRule: async ({ params }, asked) => shown(await tenancy.denyRule.get(asked.caller, params)),
    amendDenyRule: async ({ params, body }, asked) =>
      shown(await tenancy.denyRule.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    deleteDenyRule: async ({ params }, asked) =>
      shown(await tenancy.denyRule.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}

/** Of a scope that is not there, nobody may do anything. */
function falseWhenMissing(error: unknown): false {
  if (isProblem(error, 'not-found')) return false;
  throw error;
}

export function principalHandlers({ tenancy, audit, cursors }: World): Handlers<typeof principalRoutes> {
  return {
    registerUser: async ({ body }, asked) => createdAt(await tenancy.user.register(asked.caller, body), '/v1/users'),
    listUsers: async ({ query }, asked) =>
      listed(
        cursors,
        asked,
        await tenancy.user.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          issuer: query.issuer,
          subject: query.subject,
          state: query.state,
        }),
      ),
    getUser: async ({ params }, asked) => shown(await tenancy.user.get(asked.caller, params)),
    amendUser: async ({ params, body }, asked) =>
      shown(await tenancy.user.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    disableUser: async ({ params }, asked) =>
      shown(await tenancy.user.disable(asked.caller, { ...params, version: requireVersion(asked) })),
    enableUser: async ({ params }, asked) =>
      shown(await tenancy.user.enable(asked.caller, { ...params, version: requireVersion(asked) })),
    eraseUser: async ({ params }, asked) => {
      const left = await tenancy.user.erase(asked.caller, { ...params, version: requireVersion(asked) });
      return shown({ ...left, ...(await audit.subject.erase(asked.caller, params)) });
    },
    ...onEach(
      accountPlaces,
      { verb: 'create', noun: 'ServiceAccount' },
      async ({ body }: { body: BodyOf<'serviceAccount'> }, asked: Asked) =>
        createdAt(
          await tenancy.serviceAccount.create(asked.caller, { ...body, scopeId: account(asked) }),
          '/v1/serviceAccounts',
        ),
    ),
    ...onEach(
      accountPlaces,
      { verb: 'list', noun: 'ServiceAccounts' },
      async ({ query }: { query: Page & { name?: string | undefined } }, asked: Asked) =>
        listed(
          cursors,
          asked,
          await tenancy.serviceAccount.list(asked.caller, {
            ...openCursor(cursors, asked, query),
            scopeId: account(asked),
            name: query.name,
          }),
        ),
    ),
    getServiceAccount: async ({ params }, asked) => shown(await tenancy.serviceAccount.get(asked.caller, params)),
    amendServiceAccount: async ({ params, body }, asked) =>
      shown(
        await tenancy.serviceAccount.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }),
      ),
    deleteServiceAccount: async ({ params }, asked) =>
      shown(await tenancy.serviceAccount.remove(asked.caller, { ...params, version: requireVersion(asked) })),
    createToken: async ({ params, body }, asked) => {
      requireIdempotencyKey(asked);
      const made = await tenancy.token.create(asked.caller, { ...body, serviceAccountId: params.id });
      return createdAt(made, '/v1/tokens');
    },
    listTokens: async ({ params, query }, asked) =>
      listed(
        cursors,
        asked,
        await tenancy.token.list(asked.caller, {
          ...openCursor(cursors, asked, query),
          serviceAccountId: params.id,
        }),
      ),
    getToken: async ({ params }, asked) => shown(await tenancy.token.get(asked.caller, params)),
    rotateToken: async ({ params, body }, asked) => {
      requireIdempotencyKey(asked);
      const made = await tenancy.token.rotate(asked.caller, { ...body, ...params, version: requireVersion(asked) });
      return createdAt(made, '/v1/tokens');
    },
    revokeToken: async ({ params }, asked) =>
      shown(await tenancy.token.revoke(asked.caller, { ...params, version: requireVersion(asked) })),
  };
}
