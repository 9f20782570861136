import * as v from 'valibot';
import { usage } from '../../inventory/usage.js';
import { route } from '../../route.js';
import { quota, quotaLimitSchema, quotaUseSchema } from '../../tenancy/quota.js';
import { pageQuery, timeSchema } from '../common.js';
import { byId, changeQuery, created, found, mergePatch, versioned } from '../inventory/shape.js';
import { onEach } from './scoped.js';

const tags = ['quotas'];
const limited = ['Tenant', 'Project', 'Environment'] as const;

/** A limit, and how much of it is used and where. */
const quotaListSchema = v.object({
  /** Limits set on this very scope, a page of them. */
  items: v.array(quotaLimitSchema),
  nextCursor: v.optional(v.string()),
  /** What the scope uses of each dimension, with its limit and what lies over it. */
  use: v.array(quotaUseSchema),
  /** The same of what lies directly below, as far as the caller may see it. */
  children: v.array(quotaUseSchema),
  /** There are more children than one answer names: ask each for its own. */
  childrenCut: v.optional(v.literal(true)),
});

/** How much may be held, how much is, and how much was over time. */
export const quotaRoutes = {
  ...onEach(
    limited,
    { verb: 'create', noun: 'Quota', tail: '/quotas' },
    {
      method: 'POST',
      summary: 'Limits a dimension: a limit below use stops growth and nothing else.',
      tags,
      permission: 'tenancy.quota.create',
      query: changeQuery,
      body: v.omit(quota.create.command, ['scopeId']),
      responses: created('The limit.', quota.create.result),
      problems: [...quota.create.refuses],
    },
  ),
  ...onEach(
    limited,
    { verb: 'list', noun: 'Quotas', tail: '/quotas' },
    {
      method: 'GET',
      summary: 'Limits on the scope, what is used of them, and where the use sits.',
      tags,
      permission: 'tenancy.quota.read',
      query: v.strictObject(pageQuery),
      responses: found('Limits and use.', quotaListSchema),
      problems: [...quota.list.refuses],
    },
  ),
  getQuota: route({
    operationId: 'getQuota',
    method: 'GET',
    path: '/v1/quotas/:id',
    summary: 'One limit.',
    tags,
    permission: 'tenancy.quota.read',
    on: 'item',
    params: byId('qta'),
    responses: versioned('As it is.', quota.get.result),
    problems: [],
  }),
  amendQuota: route({
    operationId: 'amendQuota',
    method: 'PATCH',
    path: '/v1/quotas/:id',
    summary: 'Moves a limit; nobody moves its own.',
    tags,
    permission: 'tenancy.quota.update',
    on: 'item',
    params: byId('qta'),
    query: changeQuery,
    bodyType: mergePatch,
    body: quota.amend.command.entries.patch,
    responses: versioned('As it is now.', quota.amend.result),
    problems: ['precondition-required', ...quota.amend.refuses],
  }),
  deleteQuota: route({
    operationId: 'deleteQuota',
    method: 'DELETE',
    path: '/v1/quotas/:id',
    summary: 'Lifts a limit.',
    tags,
    permission: 'tenancy.quota.delete',
    on: 'item',
    params: byId('qta'),
    query: changeQuery,
    responses: versioned('As it was.', quota.remove.result),
    problems: ['precondition-required', ...quota.remove.refuses],
  }),
  ...onEach(
    limited,
    { verb: 'get', noun: 'Usage', tail: '/usage' },
    {
      method: 'GET',
      summary: 'Use over time: what was held of each dimension, in units × seconds, whole and per child. No prices.',
      tags,
      permission: 'tenancy.usage.read',
      query: v.strictObject({ from: timeSchema, to: timeSchema }),
      responses: found('The integral.', usage.between.result),
      problems: [...usage.between.refuses],
    },
  ),
} as const;
