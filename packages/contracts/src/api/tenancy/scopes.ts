import * as v from 'valibot';
import { nameSchema } from '../../api/common.js';
import { scopeStates } from '../../contract.js';
import { route } from '../../route.js';
import { hold } from '../../tenancy/hold.js';
import { environmentClasses, scope } from '../../tenancy/scope.js';
import { subjectInputSchema } from '../../tenancy/fields.js';
import { pageQuery, text } from '../common.js';
import { anyOf, byId, changeQuery, created, flag, found, mergePatch, versioned } from '../inventory/shape.js';
import { everyPlace, onEach } from './scoped.js';

const newScope = v.omit(scope.create.command, ['kind', 'parentId', 'class', 'expiresAt', 'protected', 'owner']);
const reason = v.strictObject({ reason: scope.suspend.command.entries.reason });
const listQuery = {
  ...pageQuery,
  sort: scope.list.command.entries.sort,
  name: v.optional(nameSchema),
  'name.prefix': v.optional(text(1, 63)),
  state: v.optional(anyOf(v.picklist(scopeStates))),
  labelSelector: v.optional(text(1, 4096)),
  showDeleted: v.optional(flag),
};
const environmentQuery = { ...listQuery, class: v.optional(anyOf(v.picklist(environmentClasses))) };

/** What holds of every kind of scope: the same seven routes. */
function itemRoutes<
  const K extends string,
  const N extends 'tenant' | 'project' | 'environment',
  const E extends readonly string[],
>({ Kind, kind, path, expand }: { Kind: K; kind: N; path: `/v1/${string}`; expand: E }, prefix: 'tnt' | 'prj' | 'env') {
  const params = byId(prefix);
  const one = <const V extends string>(verb: V, summary: string) =>
    ({ operationId: `${verb}${Kind}`, summary, tags: ['scopes'], on: 'pathScope', params }) as const;
  const changed = versioned('As it is now.', scope.get.result);
  const action = <const V extends 'suspend' | 'resume' | 'restore'>(verb: V, summary: string) =>
    route({
      ...one(verb, summary),
      method: 'POST',
      path: `${path}/:id/${verb}`,
      permission: `tenancy.${kind}.${verb}`,
      query: changeQuery,
      body: reason,
      responses: changed,
      problems: ['precondition-required', ...scope[verb].refuses],
    });
  const routes = {
    get: route({
      ...one('get', `One ${kind}; a deleted one too, until it is purged.`),
      method: 'GET',
      path: `${path}/:id`,
      permission: `tenancy.${kind}.read`,
      expand,
      responses: versioned('As it is.', scope.get.result),
      problems: [],
    }),
    amend: route({
      ...one('amend', 'Changes what the patch names.'),
      method: 'PATCH',
      path: `${path}/:id`,
      permission: `tenancy.${kind}.update`,
      query: changeQuery,
      bodyType: mergePatch,
      body: scope.amend.command.entries.patch,
      responses: changed,
      problems: ['precondition-required', ...scope.amend.refuses],
    }),
    delete: route({
      ...one('delete', 'Deletes it softly, when nothing lives in it; it can be restored until purgeAt.'),
      method: 'DELETE',
      path: `${path}/:id`,
      permission: `tenancy.${kind}.delete`,
      query: changeQuery,
      responses: changed,
      problems: ['precondition-required', ...scope.remove.refuses],
    }),
    suspend: action('suspend', 'Stops new work in it and below.'),
    resume: action('resume', 'Ends a suspension.'),
    restore: action('restore', 'Brings a deleted one back.'),
  } as const;
  return Object.fromEntries(Object.entries(routes).map(([verb, def]) => [`${verb}${Kind}`, def])) as {
    readonly [V in keyof typeof routes as `${V}${K}`]: (typeof routes)[V];
  };
}

/** Who exists: tenants, their projects, their environments; and what holds them. */
export const scopeRoutes = {
  getPlatform: route({
    operationId: 'getPlatform',
    method: 'GET',
    path: '/v1/platform',
    summary: 'The root of all scopes.',
    tags: ['scopes'],
    permission: 'tenancy.platform.read',
    responses: versioned('The platform.', scope.get.result),
    problems: [],
  }),
  createTenant: route({
    operationId: 'createTenant',
    method: 'POST',
    path: '/v1/tenants',
    summary: 'A new tenant with its first owner.',
    tags: ['scopes'],
    permission: 'tenancy.tenant.create',
    on: 'platform',
    query: changeQuery,
    body: v.strictObject({ ...newScope.entries, owner: subjectInputSchema }),
    responses: created('The tenant.', scope.create.result),
    problems: [...scope.create.refuses],
  }),
  listTenants: route({
    operationId: 'listTenants',
    method: 'GET',
    path: '/v1/tenants',
    summary: 'Tenants that the caller may see.',
    tags: ['scopes'],
    permission: 'tenancy.tenant.read',
    on: 'visible',
    query: v.strictObject(listQuery),
    responses: found('A page.', scope.list.result),
    problems: [...scope.list.refuses],
  }),
  ...itemRoutes({ Kind: 'Tenant', kind: 'tenant', path: '/v1/tenants', expand: [] }, 'tnt'),
  createProject: route({
    operationId: 'createProject',
    method: 'POST',
    path: '/v1/tenants/:id/projects',
    summary: 'A new project of the tenant.',
    tags: ['scopes'],
    permission: 'tenancy.project.create',
    on: 'pathScope',
    params: byId('tnt'),
    query: changeQuery,
    body: newScope,
    responses: created('The project.', scope.create.result),
    problems: [...scope.create.refuses],
  }),
  listTenantProjects: route({
    operationId: 'listTenantProjects',
    method: 'GET',
    path: '/v1/tenants/:id/projects',
    summary: 'Projects of the tenant that the caller may see.',
    tags: ['scopes'],
    permission: 'tenancy.project.read',
    on: 'pathScope',
    params: byId('tnt'),
    query: v.strictObject(listQuery),
    expand: ['tenant'],
    responses: found('A page.', scope.list.result),
    problems: [...scope.list.refuses],
  }),
  listProjects: route({
    operationId: 'listProjects',
    method: 'GET',
    path: '/v1/projects',
    summary: 'Projects that the caller may see.',
    tags: ['scopes'],
    permission: 'tenancy.project.read',
    on: 'visible',
    query: v.strictObject(listQuery),
    expand: ['tenant'],
    responses: found('A page.', scope.list.result),
    problems: [...scope.list.refuses],
  }),
  ...itemRoutes({ Kind: 'Project', kind: 'project', path: '/v1/projects', expand: ['tenant'] }, 'prj'),
  createEnvironment: route({
    operationId: 'createEnvironment',
    method: 'POST',
    path: '/v1/projects/:id/environments',
    summary: 'A new environment of the project, usable at once.',
    tags: ['scopes'],
    permission: 'tenancy.environment.create',
    on: 'pathScope',
    params: byId('prj'),
    query: changeQuery,
    body: v.omit(scope.create.command, ['kind', 'parentId', 'owner']),
    responses: created('The environment.', scope.create.result),
    problems: [...scope.create.refuses],
  }),
  listProjectEnvironments: route({
    operationId: 'listProjectEnvironments',
    method: 'GET',
    path: '/v1/projects/:id/environments',
    summary: 'Environments of the project that the caller may see.',
    tags: ['scopes'],
    permission: 'tenancy.environment.read',
    on: 'pathScope',
    params: byId('prj'),
    query: v.strictObject(environmentQuery),
    expand: ['tenant', 'project'],
    responses: found('A page.', scope.list.result),
    problems: [...scope.list.refuses],
  }),
  listEnvironments: route({
    operationId: 'listEnvironments',
    method: 'GET',
    path: '/v1/environments',
    summary: 'Environments that the caller may see.',
    tags: ['scopes'],
    permission: 'tenancy.environment.read',
    on: 'visible',
    query: v.strictObject(environmentQuery),
    expand: ['tenant', 'project'],
    responses: found('A page.', scope.list.result),
    problems: [...scope.list.refuses],
  }),
  ...itemRoutes(
    { Kind: 'Environment', kind: 'environment', path: '/v1/environments', expand: ['tenant', 'project'] },
    'env',
  ),
  ...onEach(
    everyPlace,
    { verb: 'create', noun: 'Hold', tail: '/holds' },
    {
      method: 'POST',
      summary: 'Holds the scope, or one thing in it: it cannot be deleted, purged or moved.',
      tags: ['holds'],
      permission: 'tenancy.hold.create',
      query: changeQuery,
      body: v.omit(hold.create.command, ['scopeId']),
      responses: created('The hold.', hold.create.result),
      problems: [...hold.create.refuses],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'list', noun: 'Holds', tail: '/holds' },
    {
      method: 'GET',
      summary: 'Holds on the scope and on things in it.',
      tags: ['holds'],
      permission: 'tenancy.hold.read',
      query: v.strictObject({ ...pageQuery, resourceId: hold.list.command.entries.resourceId }),
      responses: found('A page.', hold.list.result),
      problems: [...hold.list.refuses],
    },
  ),
  getHold: route({
    operationId: 'getHold',
    method: 'GET',
    path: '/v1/holds/:id',
    summary: 'One hold.',
    tags: ['holds'],
    permission: 'tenancy.hold.read',
    on: 'item',
    params: byId('hol'),
    responses: versioned('As it is.', hold.get.result),
    problems: [],
  }),
  amendHold: route({
    operationId: 'amendHold',
    method: 'PATCH',
    path: '/v1/holds/:id',
    summary: 'Changes why, and until when.',
    tags: ['holds'],
    permission: 'tenancy.hold.update',
    on: 'item',
    params: byId('hol'),
    query: changeQuery,
    bodyType: mergePatch,
    body: hold.amend.command.entries.patch,
    responses: versioned('As it is now.', hold.amend.result),
    problems: ['precondition-required', ...hold.amend.refuses],
  }),
  deleteHold: route({
    operationId: 'deleteHold',
    method: 'DELETE',
    path: '/v1/holds/:id',
    summary: 'Ends a hold.',
    tags: ['holds'],
    permission: 'tenancy.hold.delete',
    on: 'item',
    params: byId('hol'),
    query: changeQuery,
    responses: versioned('As it was.', hold.remove.result),
    problems: ['precondition-required', ...hold.remove.refuses],
  }),
} as const;
