import * as v from 'valibot';
import { countSchema, pageFields, pageOf, reasonSchema, timeInputSchema, timeSchema } from '../api/common.js';
import { policyBindingViewSchema, scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { policyKeys } from '../policy.js';
import { actorId, basedOnVersion, replayed, resourceFields } from './fields.js';

/** The policy of one scope: a singleton, version 0 while nothing was ever bound. */
export const policySchema = v.object({
  type: v.literal('policy'),
  scopeId: scopeIdSchema,
  version: countSchema,
  bindings: v.array(policyBindingViewSchema),
  updatedAt: v.optional(timeSchema),
  replayed,
});
export type Policy = v.InferOutput<typeof policySchema>;

const bindingInputs = v.pipe(
  v.array(
    v.strictObject({
      key: v.picklist(policyKeys),
      /** As the definition of the key says. */
      value: v.unknown(),
      lock: v.optional(v.picklist(['default', 'override']), 'override'),
      mode: v.optional(v.picklist(['enforce', 'audit']), 'enforce'),
    }),
  ),
  v.maxLength(64),
);

const contributionSchema = v.object({
  scopeId: scopeIdSchema,
  bindingId: idSchema('plb'),
  value: v.unknown(),
  lock: v.picklist(['default', 'override']),
  mode: v.picklist(['enforce', 'audit']),
  effect: v.picklist(['applied', 'narrowed', 'shadowed', 'exempted']),
});

export const effectivePolicySchema = v.object({
  type: v.literal('effectivePolicy'),
  scopeId: scopeIdSchema,
  policyVersion: countSchema,
  values: v.array(
    v.object({
      key: v.string(),
      value: v.unknown(),
      audited: v.unknown(),
      exemptedBy: v.optional(v.string()),
      contributions: v.array(contributionSchema),
    }),
  ),
});
export type EffectivePolicyAnswer = v.InferOutput<typeof effectivePolicySchema>;

export const policy = {
  get: verb({
    summary: 'What is bound on this very scope.',
    command: v.strictObject({ scopeId: scopeIdSchema }),
    result: policySchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  set: verb({
    summary: 'Replaces what is bound on this very scope, each key once.',
    command: v.strictObject({ scopeId: scopeIdSchema, version: basedOnVersion, bindings: bindingInputs }),
    result: policySchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  effective: verb({
    summary: 'What holds on a scope, and which bindings made it so.',
    command: v.strictObject({ scopeId: scopeIdSchema }),
    result: effectivePolicySchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  preview: verb({
    summary: 'What would hold on a scope if these were its bindings; nothing is changed.',
    command: v.strictObject({ scopeId: scopeIdSchema, bindings: bindingInputs }),
    result: effectivePolicySchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;

/** Lifts one policy on a scope and below, for a time and with a reason. */
export const exemptionSchema = v.object({
  id: idSchema('pex'),
  type: v.literal('policyExemption'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  key: v.string(),
  reason: v.string(),
  approvedBy: actorId,
  expiresAt: timeSchema,
  replayed,
});
export type Exemption = v.InferOutput<typeof exemptionSchema>;

export const exemption = {
  create: verb({
    summary: 'Lifts a policy until a time.',
    command: v.strictObject({
      scopeId: scopeIdSchema,
      key: v.picklist(policyKeys),
      reason: reasonSchema,
      /** In the future, at most a year. */
      expiresAt: timeInputSchema,
    }),
    result: exemptionSchema,
    refuses: ['not-found', 'already-exists', 'state-conflict'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One exemption.',
    command: v.strictObject({ id: idSchema('pex') }),
    result: exemptionSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Exemptions of a scope, ordered by id.',
    command: v.strictObject({ scopeId: v.optional(scopeIdSchema), ...pageFields }),
    result: pageOf(exemptionSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Changes until when and why.',
    command: v.strictObject({
      id: idSchema('pex'),
      version: basedOnVersion,
      patch: v.strictObject({ reason: v.optional(reasonSchema), expiresAt: v.optional(timeInputSchema) }),
    }),
    result: exemptionSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends an exemption.',
    command: v.strictObject({ id: idSchema('pex'), version: basedOnVersion }),
    result: exemptionSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
} as const;
