import * as v from 'valibot';
import { pageFields, pageOf, reasonSchema, timeInputSchema, timeSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { roleKeys } from '../roles.js';
import { actorId, basedOnVersion, replayed, resourceFields, subjectInputSchema, subjectSchema } from './fields.js';

/** A role on a scope for a subject; inherited by everything below, up to the tenant border. */
export const roleBindingSchema = v.object({
  id: idSchema('rbd'),
  type: v.literal('roleBinding'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  tenantId: v.optional(idSchema('tnt')),
  subject: subjectSchema,
  role: v.string(),
  createdBy: actorId,
  /** From then on it grants nothing; absent: for good. */
  expiresAt: v.optional(timeSchema),
  reason: v.optional(v.string()),
  replayed,
});
export type RoleBinding = v.InferOutput<typeof roleBindingSchema>;

/** The longest life of a break-glass binding, in seconds. */
export const breakGlassSecondsMax = 4 * 3600;

const refusesToChange = ['not-found', 'version-mismatch', 'permission-denied', 'last-administrator'] as const;

export const roleBinding = {
  create: verb({
    summary: 'Grants a role; nobody grants what it does not hold there itself.',
    command: v.strictObject({
      scopeId: scopeIdSchema,
      subject: subjectInputSchema,
      role: v.picklist(roleKeys),
      expiresAt: v.optional(timeInputSchema),
      reason: v.optional(reasonSchema),
    }),
    result: roleBindingSchema,
    refuses: [
      'not-found',
      'already-exists',
      'permission-denied',
      'reference-not-found',
      'scope-not-active',
      'state-conflict',
    ],
    idempotent: false,
  }),
  breakGlass: verb({
    summary: 'Lets an administrator of the platform into a tenant, for at most four hours and with a reason.',
    command: v.strictObject({
      scopeId: idSchema('tnt'),
      /** At most four hours. */
      ttlSeconds: v.pipe(v.number(), v.safeInteger(), v.minValue(60), v.maxValue(breakGlassSecondsMax)),
      reason: reasonSchema,
    }),
    result: roleBindingSchema,
    refuses: ['not-found', 'permission-denied', 'already-exists'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One binding.',
    command: v.strictObject({ id: idSchema('rbd') }),
    result: roleBindingSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Bindings on a scope, or of a subject, ordered by id; expired ones too, until they are removed.',
    command: v.strictObject({
      scopeId: v.optional(scopeIdSchema),
      subjectId: v.optional(v.union([idSchema('usr'), idSchema('sac')])),
      role: v.optional(v.picklist(roleKeys)),
      ...pageFields,
    }),
    result: pageOf(roleBindingSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Changes until when and why; role, subject and scope are what the binding is.',
    command: v.strictObject({
      id: idSchema('rbd'),
      version: basedOnVersion,
      patch: v.strictObject({
        expiresAt: v.optional(v.nullable(timeInputSchema)),
        reason: v.optional(v.nullable(reasonSchema)),
      }),
    }),
    result: roleBindingSchema,
    refuses: [...refusesToChange, 'state-conflict', 'scope-not-active'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Takes a grant back.',
    command: v.strictObject({ id: idSchema('rbd'), version: basedOnVersion }),
    result: roleBindingSchema,
    refuses: refusesToChange,
    idempotent: false,
  }),
} as const;

const permissionNames = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(128))),
  v.minLength(1),
  v.maxLength(256),
);
const everyoneOr = <const S extends v.GenericSchema>(item: S) =>
  v.union([v.literal('all'), v.pipe(v.array(item), v.minLength(1), v.maxLength(64))]);
const denyScope = v.union([v.literal('platform'), idSchema('tnt')]);

/** How many deny rules one scope may have: everyone's access there is decided against all of them. */
export const denyRulesMax = 100;

/** What nobody, or nobody of these, may do on a scope and below, whatever is granted. */
export const denyRuleSchema = v.object({
  id: idSchema('dny'),
  type: v.literal('denyRule'),
  ...resourceFields,
  scopeId: denyScope,
  tenantId: v.optional(idSchema('tnt')),
  permissions: v.array(v.string()),
  subjects: v.union([v.literal('all'), v.array(subjectSchema)]),
  /** Who is not meant, although the subjects name it. */
  exceptions: v.array(subjectSchema),
  reason: v.string(),
  createdBy: actorId,
  replayed,
});
export type DenyRule = v.InferOutput<typeof denyRuleSchema>;

export const denyRule = {
  create: verb({
    summary: 'Forbids; deny beats allow everywhere.',
    command: v.strictObject({
      scopeId: denyScope,
      permissions: permissionNames,
      subjects: everyoneOr(subjectInputSchema),
      exceptions: v.optional(v.pipe(v.array(subjectInputSchema), v.maxLength(64)), []),
      reason: reasonSchema,
    }),
    result: denyRuleSchema,
    refuses: [
      'not-found',
      'permission-denied',
      'reference-not-found',
      'scope-not-active',
      'state-conflict',
      'last-administrator',
    ],
    idempotent: false,
  }),
  get: verb({
    summary: 'One deny rule.',
    command: v.strictObject({ id: idSchema('dny') }),
    result: denyRuleSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Deny rules of a scope, ordered by id.',
    command: v.strictObject({ scopeId: v.optional(denyScope), ...pageFields }),
    result: pageOf(denyRuleSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Changes what is forbidden, to whom and why; nobody exempts itself.',
    command: v.strictObject({
      id: idSchema('dny'),
      version: basedOnVersion,
      patch: v.strictObject({
        permissions: v.optional(permissionNames),
        subjects: v.optional(everyoneOr(subjectInputSchema)),
        exceptions: v.optional(v.pipe(v.array(subjectInputSchema), v.maxLength(64))),
        reason: v.optional(reasonSchema),
      }),
    }),
    result: denyRuleSchema,
    refuses: ['not-found', 'version-mismatch', 'permission-denied', 'reference-not-found', 'last-administrator'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends a deny rule.',
    command: v.strictObject({ id: idSchema('dny'), version: basedOnVersion }),
    result: denyRuleSchema,
    refuses: ['not-found', 'version-mismatch', 'permission-denied'],
    idempotent: false,
  }),
} as const;
