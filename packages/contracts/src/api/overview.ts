import * as v from 'valibot';
import { countSchema, timeSchema } from './common.js';
import { scopeIdSchema } from '../contract.js';
import { allocationSchema } from '../inventory/allocation.js';
import { route } from '../route.js';
import { effectivePolicySchema } from '../tenancy/policy.js';
import { quotaUseSchema } from '../tenancy/quota.js';
import { scopeSchema } from '../tenancy/scope.js';
import { auditRecordSchema } from '../audit/record.js';
import { task } from '../task.js';
import { byId, found } from './inventory/shape.js';

/** One part of a composed answer: what its context said, or why there is nothing. */
export const part = <const S extends v.GenericSchema>(data: S) =>
  v.object({
    /** `hidden`: the caller may not see it. `unavailable`: its context did not answer within the budget. */
    status: v.picklist(['ok', 'unavailable', 'hidden']),
    data: v.optional(data),
    reason: v.optional(v.string()),
  });

/** What changed, without its states before and after: they are in the record. */
const changeSchema = v.pick(auditRecordSchema, ['id', 'occurredAt', 'action', 'actor', 'scope', 'resource', 'reason']);

export const overviewSchema = v.object({
  scopeId: scopeIdSchema,
  /** How long composing it took at most, in milliseconds; a part that takes longer is unavailable. */
  budgetMs: countSchema,
  at: timeSchema,
  parts: v.object({
    scope: part(scopeSchema),
    environments: part(v.object({ items: v.array(scopeSchema), more: v.boolean() })),
    allocations: part(v.object({ items: v.array(allocationSchema), more: v.boolean() })),
    quota: part(v.object({ own: v.array(quotaUseSchema), children: v.array(quotaUseSchema) })),
    policy: part(effectivePolicySchema),
    /** What has not ended. */
    tasks: part(task.nouns.task.living.result),
    /** Of the last 30 days, the newest first; what was done a moment ago may not be on record yet. */
    changes: part(v.object({ items: v.array(changeSchema), more: v.boolean() })),
  }),
});
export type Overview = v.InferOutput<typeof overviewSchema>;

/** What several contexts know of one scope, in one answer; never a join over their schemas. */
export const overviewRoutes = {
  getProjectOverview: route({
    operationId: 'getProjectOverview',
    method: 'GET',
    path: '/v1/projects/:id/overview',
    summary:
      'The project with its environments, allocations, quota, policy, living tasks and latest changes; a context that is away takes only its part along.',
    tags: ['overview'],
    permission: 'tenancy.project.read',
    on: 'pathScope',
    params: byId('prj'),
    responses: found('What is known, part by part.', overviewSchema),
    problems: [],
  }),
} as const;
