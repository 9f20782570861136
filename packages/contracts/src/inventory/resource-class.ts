import * as v from 'valibot';
import { pageFields, pageOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { basedOnVersion } from './fields.js';

export const classKeySchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][A-Za-z0-9]{0,62}$/, 'must be a class like vcpu or memoryMib'),
);

/** A kind of capacity: what is measured, and in what. */
export const resourceClassSchema = v.object({
  type: v.literal('resourceClass'),
  key: classKeySchema,
  title: v.string(),
  /** What 1 of it is. */
  unit: v.string(),
  /** What quotas and use over time count it as. */
  dimension: v.string(),
  version: versionSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
  replayed: v.optional(v.literal(true)),
});
export type ResourceClass = v.InferOutput<typeof resourceClassSchema>;

const words = { title: text(1, 200), unit: text(1, 64) };

export const resourceClass = {
  create: verb({
    summary: 'Makes a class that nodes can offer from now on; quotas and use over time count it as inventory.<key>.',
    command: v.strictObject({ key: classKeySchema, ...words }),
    result: resourceClassSchema,
    refuses: ['already-exists'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Says otherwise what a class means; its key stays.',
    command: v.strictObject({
      key: classKeySchema,
      version: basedOnVersion,
      patch: v.strictObject({ title: v.optional(words.title), unit: v.optional(words.unit) }),
    }),
    result: resourceClassSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends a class that nothing offers and nothing was ever taken of: history keeps its words.',
    command: v.strictObject({ key: classKeySchema, version: basedOnVersion }),
    result: resourceClassSchema,
    refuses: ['not-found', 'version-mismatch', 'has-dependents'],
    idempotent: false,
  }),
  list: verb({
    summary: 'The classes of capacity, ordered by key.',
    command: v.strictObject({ ...pageFields }),
    result: pageOf(resourceClassSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  get: verb({
    summary: 'One class by its key.',
    command: v.strictObject({ key: classKeySchema }),
    result: resourceClassSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;
