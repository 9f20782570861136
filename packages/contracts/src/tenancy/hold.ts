import * as v from 'valibot';
import { pageFields, pageOf, reasonSchema, text, timeInputSchema, timeSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { actorId, basedOnVersion, replayed, resourceFields } from './fields.js';

/** A lien: while it lives, what it lies on cannot be deleted, purged or moved. */
export const holdSchema = v.object({
  id: idSchema('hol'),
  type: v.literal('hold'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  /** One thing in the scope; absent: the scope itself. */
  resourceId: v.optional(v.string()),
  /** Who asked for it: a service, a case, a person. */
  origin: v.string(),
  reason: v.string(),
  createdBy: actorId,
  /** Absent: until it is removed. */
  expiresAt: v.optional(timeSchema),
  replayed,
});
export type Hold = v.InferOutput<typeof holdSchema>;

const create = verb({
  summary: 'Sets a hold; answered after the context that owns the thing has taken it in.',
  command: v.strictObject({
    scopeId: scopeIdSchema,
    /** The id of a resource of any context; that it exists is not asked. */
    resourceId: v.optional(v.pipe(v.string(), v.regex(/^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'must be an id'))),
    origin: text(1, 128),
    reason: reasonSchema,
    expiresAt: v.optional(timeInputSchema),
  }),
  result: holdSchema,
  refuses: ['not-found', 'scope-not-active', 'state-conflict'],
  idempotent: false,
});

const get = verb({
  summary: 'One hold.',
  command: v.strictObject({ id: idSchema('hol') }),
  result: holdSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Live holds on a scope and on the things in it, ordered by id.',
  command: v.strictObject({
    scopeId: v.optional(scopeIdSchema),
    resourceId: v.optional(v.pipe(v.string(), v.maxLength(64))),
    ...pageFields,
  }),
  result: pageOf(holdSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const amend = verb({
  summary: 'Changes why it is held, and until when.',
  command: v.strictObject({
    id: idSchema('hol'),
    version: basedOnVersion,
    patch: v.strictObject({ reason: v.optional(reasonSchema), expiresAt: v.optional(v.nullable(timeInputSchema)) }),
  }),
  result: holdSchema,
  refuses: ['not-found', 'version-mismatch'],
  idempotent: false,
});

const remove = verb({
  summary: 'Ends a hold.',
  command: v.strictObject({ id: idSchema('hol'), version: basedOnVersion }),
  result: holdSchema,
  refuses: ['not-found', 'version-mismatch'],
  idempotent: false,
});

export const hold = { create, get, list, amend, remove } as const;
