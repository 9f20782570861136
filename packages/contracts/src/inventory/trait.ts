import * as v from 'valibot';
import { pageFields, pageOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { basedOnVersion } from './fields.js';

export const traitKeySchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a trait like nvme or liquid-cooled'),
);

/** What a node can be said to have, and a placement can ask for. */
export const traitSchema = v.object({
  type: v.literal('trait'),
  key: traitKeySchema,
  title: v.string(),
  version: versionSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
  replayed: v.optional(v.literal(true)),
});
export type Trait = v.InferOutput<typeof traitSchema>;

const title = text(1, 200);

export const trait = {
  register: verb({
    summary: 'Makes a trait known: from now on nodes can have it.',
    command: v.strictObject({ key: traitKeySchema, title }),
    result: traitSchema,
    refuses: ['already-exists'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Says otherwise what a trait means; its key stays.',
    command: v.strictObject({
      key: traitKeySchema,
      version: basedOnVersion,
      patch: v.strictObject({ title: v.optional(title) }),
    }),
    result: traitSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends a trait that no node has.',
    command: v.strictObject({ key: traitKeySchema, version: basedOnVersion }),
    result: traitSchema,
    refuses: ['not-found', 'version-mismatch', 'has-dependents'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One trait by its key.',
    command: v.strictObject({ key: traitKeySchema }),
    result: traitSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'The traits that nodes can have, ordered by key.',
    command: v.strictObject({ ...pageFields }),
    result: pageOf(traitSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
} as const;
