import * as v from 'valibot';
import { pageFields, pageOf, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';

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
});
export type ResourceClass = v.InferOutput<typeof resourceClassSchema>;

export const resourceClass = {
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
