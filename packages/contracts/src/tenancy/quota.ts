import * as v from 'valibot';
import { countSchema, pageFields, pageOf } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { quotaDimensionKeys } from '../quota.js';
import { basedOnVersion, replayed, resourceFields } from './fields.js';

/** How much of one dimension may be held in a scope and below. No limit is unlimited. */
export const quotaLimitSchema = v.object({
  id: idSchema('qta'),
  type: v.literal('quotaLimit'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  tenantId: v.optional(idSchema('tnt')),
  dimension: v.string(),
  limit: countSchema,
  replayed,
});
export type QuotaLimit = v.InferOutput<typeof quotaLimitSchema>;

/** Use of one dimension by one scope, as the context that owns the counter says. */
export const quotaUseSchema = v.object({
  scopeId: scopeIdSchema,
  dimension: v.string(),
  used: countSchema,
  /** Absent: unlimited. */
  limit: v.optional(countSchema),
  /** How far a lowered limit lies below what is used. */
  overBy: countSchema,
});
/** What a scope uses itself, the platform as the sum of its tenants, and what its children use. */
export const quotaUsesSchema = v.object({
  own: v.array(quotaUseSchema),
  children: v.array(quotaUseSchema),
  /** There are more children than one answer names: ask each for its own. */
  childrenCut: v.optional(v.literal(true)),
});
export type QuotaUse = v.InferOutput<typeof quotaUseSchema>;

export const quota = {
  create: verb({
    summary: 'Limits a dimension on a tenant, project or environment; a limit below use stops growth and nothing else.',
    command: v.strictObject({
      scopeId: scopeIdSchema,
      dimension: v.picklist(quotaDimensionKeys),
      limit: countSchema,
    }),
    result: quotaLimitSchema,
    refuses: ['not-found', 'already-exists', 'state-conflict'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One limit.',
    command: v.strictObject({ id: idSchema('qta') }),
    result: quotaLimitSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Limits on a scope, ordered by id.',
    command: v.strictObject({ scopeId: v.optional(scopeIdSchema), ...pageFields }),
    result: pageOf(quotaLimitSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Moves a limit.',
    command: v.strictObject({
      id: idSchema('qta'),
      version: basedOnVersion,
      patch: v.strictObject({ limit: v.optional(countSchema) }),
    }),
    result: quotaLimitSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Lifts a limit.',
    command: v.strictObject({ id: idSchema('qta'), version: basedOnVersion }),
    result: quotaLimitSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  use: verb({
    summary: "Use of tenancy's own dimensions by a scope, and by its children where they use or limit any.",
    command: v.strictObject({ scopeId: scopeIdSchema }),
    result: quotaUsesSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;
