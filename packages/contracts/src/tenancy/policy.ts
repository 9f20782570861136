import * as v from 'valibot';
import { countSchema, pageFields, pageOf, reasonSchema, timeInputSchema, timeSchema } from '../api/common.js';
import { policyBindingViewSchema, scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { policyDefinitions, policyKeys, type PolicyKey } from '../policy.js';
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

/** How much a scope may bind in all, as JSON in UTF-8. */
const policyBytesMax = 256 * 1024;

/** No set of today's definitions comes near it; a definition with longer values does not have to think of it. */
export function fitsPolicy(bindings: readonly object[]): boolean {
  return new TextEncoder().encode(JSON.stringify(bindings)).length <= policyBytesMax;
}

const bindingOf = <const K extends PolicyKey>(key: K) =>
  v.strictObject({
    key: v.literal(key),
    value: policyDefinitions[key].schema,
    lock: v.optional(v.picklist(['default', 'override']), 'override'),
    mode: v.optional(v.picklist(['enforce', 'audit']), 'enforce'),
  });

const bindingInputs = v.pipe(
  v.array(v.variant('key', policyKeys.map(bindingOf))),
  v.maxLength(64),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const [at, { key }] of dataset.value.entries()) {
      if (dataset.value.findIndex((each) => each.key === key) === at) continue;
      const path = [placeIn(dataset.value, at), placeIn({ key }, 'key')] as never;
      addIssue({ message: 'each key may be bound once', path });
    }
  }),
  v.check((bindings) => fitsPolicy(bindings), 'must hold at most 256 KiB in all'),
);

const placeIn = (input: object, key: string | number) => ({ type: 'unknown', origin: 'value', input, key, value: key });

const contributionSchema = v.object({
  scopeId: scopeIdSchema,
  bindingId: idSchema('plb'),
  value: v.unknown(),
  lock: v.picklist(['default', 'override']),
  mode: v.picklist(['enforce', 'audit']),
  effect: v.picklist(['applied', 'narrowed', 'shadowed', 'exempted', 'ignored']),
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
      /** A later end is approved by whoever asks for it. */
      patch: v.strictObject({ reason: v.optional(reasonSchema), expiresAt: v.optional(timeInputSchema) }),
    }),
    result: exemptionSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends an exemption.',
    command: v.strictObject({ id: idSchema('pex'), version: basedOnVersion }),
    result: exemptionSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
} as const;
