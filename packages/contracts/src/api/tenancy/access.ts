import * as v from 'valibot';
import { scopeIdSchema } from '../../contract.js';
import { permissions } from '../../permissions.js';
import { roleKeys } from '../../roles.js';
import { route } from '../../route.js';
import { access } from '../../tenancy/access.js';
import { principalIdSchema } from '../../tenancy/fields.js';
import { denyRule, roleBinding } from '../../tenancy/role-binding.js';
import { pageQuery } from '../common.js';
import { byId, changeQuery, created, found, mergePatch, versioned } from '../inventory/shape.js';
import { everyPlace, onEach } from './scoped.js';

const tags = ['access'];
const accountPlaces = ['Platform', 'Tenant'] as const;
const changed = 'precondition-required';

const roleSchema = v.object({
  key: v.string(),
  title: v.string(),
  boundOn: v.array(v.string()),
  permissions: v.array(v.string()),
});

/** Who may do what: roles and their bindings, what is forbidden, and who there is. */
export const accessRoutes = {
  listRoles: route({
    operationId: 'listRoles',
    method: 'GET',
    path: '/v1/roles',
    summary: 'The roles there are, where each can be bound and what it holds.',
    tags,
    permission: null,
    self: true,
    responses: found('All of them.', v.object({ items: v.array(roleSchema) })),
    problems: [],
  }),
  checkAccess: route({
    operationId: 'checkAccess',
    method: 'POST',
    path: '/v1/access/check',
    summary: 'What of these the caller may do. Of a scope that it may not see, nothing.',
    tags,
    permission: null,
    self: true,
    body: v.strictObject({
      checks: v.pipe(
        v.array(v.strictObject({ permission: v.picklist(permissions), scopeId: scopeIdSchema })),
        v.minLength(1),
        v.maxLength(100),
      ),
    }),
    responses: found(
      'One answer a question, in its order.',
      v.object({
        items: v.array(v.object({ permission: v.string(), scopeId: scopeIdSchema, allowed: v.boolean() })),
      }),
    ),
    problems: [],
  }),
  explainAccess: route({
    operationId: 'explainAccess',
    method: 'GET',
    path: '/v1/access/explain',
    summary: 'Which binding lets a principal do it, or what is missing.',
    tags,
    permission: 'tenancy.access.explain',
    on: 'queryScope',
    query: v.strictObject({
      principal: principalIdSchema,
      permission: access.explain.command.entries.permission,
      scope: scopeIdSchema,
    }),
    responses: found('Why.', access.explain.result),
    problems: [...access.explain.refuses],
  }),
  ...onEach(
    everyPlace,
    { verb: 'create', noun: 'RoleBinding', tail: '/roleBindings' },
    {
      method: 'POST',
      summary: 'Grants a role; nobody grants what it does not hold there itself.',
      tags,
      permission: 'tenancy.roleBinding.create',
      query: changeQuery,
      body: v.omit(roleBinding.create.command, ['scopeId']),
      responses: created('The binding.', roleBinding.create.result),
      problems: [...roleBinding.create.refuses],
    },
  ),
  ...onEach(
    everyPlace,
    { verb: 'list', noun: 'RoleBindings', tail: '/roleBindings' },
    {
      method: 'GET',
      summary: 'Bindings on the scope itself.',
      tags,
      permission: 'tenancy.roleBinding.read',
      query: v.strictObject({
        ...pageQuery,
        subjectId: v.optional(principalIdSchema),
        role: v.optional(v.picklist(roleKeys)),
      }),
      responses: found('A page.', roleBinding.list.result),
      problems: [...roleBinding.list.refuses],
    },
  ),
  breakGlass: route({
    operationId: 'breakGlass',
    method: 'POST',
    path: '/v1/tenants/:id/breakGlass',
    summary: 'Lets the caller, an administrator of the platform, into the tenant for at most four hours.',
    tags,
    permission: 'tenancy.tenant.breakGlass',
    on: 'pathScope',
    params: byId('tnt'),
    query: changeQuery,
    body: v.omit(roleBinding.breakGlass.command, ['scopeId']),
    responses: created('The binding.', roleBinding.breakGlass.result),
    problems: [...roleBinding.breakGlass.refuses],
  }),
  getRoleBinding: route({
    operationId: 'getRoleBinding',
    method: 'GET',
    path: '/v1/roleBindings/:id',
    summary: 'One binding.',
    tags,
    permission: 'tenancy.roleBinding.read',
    on: 'item',
    params: byId('rbd'),
    responses: versioned('As it is.', roleBinding.get.result),
    problems: [],
  }),
  amendRoleBinding: route({
    operationId: 'amendRoleBinding',
    method: 'PATCH',
    path: '/v1/roleBindings/:id',
    summary: 'Changes until when, and why.',
    tags,
    permission: 'tenancy.roleBinding.update',
    on: 'item',
    params: byId('rbd'),
    query: changeQuery,
    bodyType: mergePatch,
    body: roleBinding.amend.command.entries.patch,
    responses: versioned('As it is now.', roleBinding.amend.result),
    problems: [changed, ...roleBinding.amend.refuses],
  }),
  deleteRoleBinding: route({
    operationId: 'deleteRoleBinding',
    method: 'DELETE',
    path: '/v1/roleBindings/:id',
    summary: 'Takes a grant back: changes at once, reads within five seconds.',
    tags,
    permission: 'tenancy.roleBinding.delete',
    on: 'item',
    params: byId('rbd'),
    query: changeQuery,
    responses: versioned('As it was.', roleBinding.remove.result),
    problems: [changed, ...roleBinding.remove.refuses],
  }),
  ...onEach(
    accountPlaces,
    { verb: 'create', noun: 'DenyRule', tail: '/denyRules' },
    {
      method: 'POST',
      summary: 'Forbids, on the scope and below, whatever is granted.',
      tags,
      permission: 'tenancy.denyRule.create',
      query: changeQuery,
      body: v.omit(denyRule.create.command, ['scopeId']),
      responses: created('The rule.', denyRule.create.result),
      problems: [...denyRule.create.refuses],
    },
  ),
  ...onEach(
    accountPlaces,
    { verb: 'list', noun: 'DenyRules', tail: '/denyRules' },
    {
      method: 'GET',
      summary: 'Deny rules on the scope itself.',
      tags,
      permission: 'tenancy.denyRule.read',
      query: v.strictObject(pageQuery),
      responses: found('A page.', denyRule.list.result),
      problems: [...denyRule.list.refuses],
    },
  ),
  getDenyRule: route({
    operationId: 'getDenyRule',
    method: 'GET',
    path: '/v1/denyRules/:id',
    summary: 'One deny rule.',
    tags,
    permission: 'tenancy.denyRule.read',
    on: 'item',
    params: byId('dny'),
    responses: versioned('As it is.', denyRule.get.result),
    problems: [],
  }),
  amendDenyRule: route({
    operationId: 'amendDenyRule',
    method: 'PATCH',
    path: '/v1/denyRules/:id',
    summary: 'Changes what is forbidden, to whom and why.',
    tags,
    permission: 'tenancy.denyRule.update',
    on: 'item',
    params: byId('dny'),
    query: changeQuery,
    bodyType: mergePatch,
    body: denyRule.amend.command.entries.patch,
    responses: versioned('As it is now.', denyRule.amend.result),
    problems: [changed, ...denyRule.amend.refuses],
  }),
  deleteDenyRule: route({
    operationId: 'deleteDenyRule',
    method: 'DELETE',
    path: '/v1/denyRules/:id',
    summary: 'Ends a deny rule.',
    tags,
    permission: 'tenancy.denyRule.delete',
    on: 'item',
    params: byId('dny'),
    query: changeQuery,
    responses: versioned('As it was.', denyRule.remove.result),
    problems: [changed, ...denyRule.remove.refuses],
  }),
} as const;
