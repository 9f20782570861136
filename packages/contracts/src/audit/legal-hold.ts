import * as v from 'valibot';
import { pageFields, pageOf, reasonSchema, timeSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { actorId, basedOnVersion, replayed, resourceFields } from '../tenancy/fields.js';

/** While it lives, no month of records is dropped that holds one of its scope, or of the one thing in it. */
export const legalHoldSchema = v.object({
  id: idSchema('lgh'),
  type: v.literal('legalHold'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  tenantId: v.optional(idSchema('tnt')),
  /** One thing in the scope; absent: everything in it. */
  resourceId: v.optional(v.string()),
  reason: v.string(),
  createdBy: actorId,
  /** Absent: it lives. */
  endedAt: v.optional(timeSchema),
  endReason: v.optional(v.string()),
  replayed,
});
export type LegalHold = v.InferOutput<typeof legalHoldSchema>;

const create = verb({
  summary: 'Sets a legal hold: from the answer on no month of records goes that it is about.',
  command: v.strictObject({
    /** One of the scopes that the caller brings. */
    scopeId: scopeIdSchema,
    /** The id of a resource of any context; that it exists is not asked. */
    resourceId: v.optional(v.pipe(v.string(), v.regex(/^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'must be an id'))),
    reason: reasonSchema,
  }),
  result: legalHoldSchema,
  refuses: ['not-found', 'invalid-parameter'],
  idempotent: false,
});

const get = verb({
  summary: 'One legal hold, also when it has ended.',
  command: v.strictObject({ id: idSchema('lgh') }),
  result: legalHoldSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Legal holds that the caller may see, ordered by id; those that live unless told.',
  command: v.strictObject({ ended: v.optional(v.boolean(), false), ...pageFields }),
  result: pageOf(legalHoldSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const end = verb({
  summary: 'Ends a legal hold; asked of one that has ended it changes nothing.',
  command: v.strictObject({ id: idSchema('lgh'), version: basedOnVersion, reason: reasonSchema }),
  result: legalHoldSchema,
  refuses: ['not-found', 'version-mismatch'],
  idempotent: false,
});

export const legalHoldVerbs = { create, get, list, end } as const;
