import { everyPlace } from '@sentral/contracts/api/tenancy/scoped';
import type { scopeRoutes } from '@sentral/contracts/api/tenancy/scopes';
import type { Scope } from '@sentral/contracts/tenancy/scope';
import { requireVersion, type Asked, type Handlers } from '../http/mount.js';
import { onEach } from './scoped.js';
import { createdAt, listed, openCursor, shown } from './shape.js';
import type { World } from './world.js';

const collections = { tenant: '/v1/tenants', project: '/v1/projects', environment: '/v1/environments' } as const;

interface ListQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly name?: string | undefined;
  readonly 'name.prefix'?: string | undefined;
  readonly state?: Scope['state'][] | undefined;
  readonly class?: NonNullable<Scope['class']>[] | undefined;
  readonly labelSelector?: string | undefined;
  readonly showDeleted?: boolean | undefined;
}

export function scopeHandlers({ tenancy, cursors }: World): Handlers<typeof scopeRoutes> {
  const list = async (kind: keyof typeof collections, query: ListQuery, asked: Asked) => {
    const { 'name.prefix': namePrefix, limit: _, cursor: __, ...filters } = query;
    // Under a scope only what lies directly in it; a flat list has no scope of its own.
    const parentId = asked.scopeId === undefined ? {} : { parentId: asked.scopeId };
    return listed(
      cursors,
      asked,
      await tenancy.scope.list(asked.caller, {
        kind,
        ...filters,
        ...parentId,
        namePrefix,
        ...openCursor(cursors, asked, query),
      }),
    );
  };
  const made = (kind: keyof typeof collections, scope: Scope) => createdAt(scope, collections[kind]);
  const get = async ({ params }: { params: { id: Scope['id'] } }, asked: Asked) =>
    shown(await tenancy.scope.get(asked.caller, params));
  const amend = async ({ params, body }: { params: { id: Scope['id'] }; body: object }, asked: Asked) =>
    shown(await tenancy.scope.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body }));
  const remove = async ({ params }: { params: { id: Scope['id'] } }, asked: Asked) =>
    shown(await tenancy.scope.remove(asked.caller, { ...params, version: requireVersion(asked) }));
  const to =
    (verb: 'suspend' | 'resume' | 'restore') =>
    async ({ params, body }: { params: { id: Scope['id'] }; body: { reason?: string | undefined } }, asked: Asked) => {
      const named = { ...params, version: requireVersion(asked) };
      return shown(await tenancy.scope[verb](asked.caller, verb === 'restore' ? named : { ...named, ...body }));
    };
  const lifecycle = { suspend: to('suspend'), resume: to('resume'), restore: to('restore') };

  return {
    getPlatform: async (_, asked) => shown(await tenancy.scope.get(asked.caller, { id: 'platform' })),
    createTenant: async ({ body }, asked) =>
      made('tenant', await tenancy.scope.create(asked.caller, { ...body, kind: 'tenant', parentId: 'platform' })),
    listTenants: async ({ query }, asked) => list('tenant', query, asked),
    getTenant: get,
    amendTenant: amend,
    deleteTenant: remove,
    suspendTenant: lifecycle.suspend,
    resumeTenant: lifecycle.resume,
    restoreTenant: lifecycle.restore,
    createProject: async ({ params, body }, asked) =>
      made('project', await tenancy.scope.create(asked.caller, { ...body, kind: 'project', parentId: params.id })),
    listTenantProjects: async ({ query }, asked) => list('project', query, asked),
    listProjects: async ({ query }, asked) => list('project', query, asked),
    getProject: get,
    amendProject: amend,
    deleteProject: remove,
    suspendProject: lifecycle.suspend,
    resumeProject: lifecycle.resume,
    restoreProject: lifecycle.restore,
    createEnvironment: async ({ params, body }, asked) =>
      made(
        'environment',
        await tenancy.scope.create(asked.caller, { ...body, kind: 'environment', parentId: params.id }),
      ),
    listProjectEnvironments: async ({ query }, asked) => list('environment', query, asked),
    listEnvironments: async ({ query }, asked) => list('environment', query, asked),
    getEnvironment: get,
    amendEnvironment: amend,
    deleteEnvironment: remove,
    suspendEnvironment: lifecycle.suspend,
    resumeEnvironment: lifecycle.resume,
    restoreEnvironment: lifecycle.restore,
    ...holdHandlers({ tenancy, cursors }),
  };
}

type HoldBody = Omit<Parameters<World['tenancy']['hold']['create']>[1], 'scopeId'>;

function holdHandlers({ tenancy, cursors }: Pick<World, 'tenancy' | 'cursors'>) {
  return {
    ...onEach(everyPlace, { verb: 'create', noun: 'Hold' }, async ({ body }: { body: HoldBody }, asked: Asked) =>
      createdAt(
        await tenancy.hold.create(asked.caller, { ...body, scopeId: asked.scopeId ?? 'platform' }),
        '/v1/holds',
      ),
    ),
    ...onEach(
      everyPlace,
      { verb: 'list', noun: 'Holds' },
      async ({ query }: { query: { resourceId?: string | undefined } & ListQuery }, asked: Asked) =>
        listed(
          cursors,
          asked,
          await tenancy.hold.list(asked.caller, {
            ...openCursor(cursors, asked, query),
            scopeId: asked.scopeId,
            resourceId: query.resourceId,
          }),
        ),
    ),
    getHold: async ({ params }, asked) => shown(await tenancy.hold.get(asked.caller, params)),
    amendHold: async ({ params, body }, asked) =>
      shown(await tenancy.hold.amend(asked.caller, { ...params, version: requireVersion(asked), patch: body })),
    deleteHold: async ({ params }, asked) =>
      shown(await tenancy.hold.remove(asked.caller, { ...params, version: requireVersion(asked) })),
  } satisfies Partial<Handlers<typeof scopeRoutes>>;
}
