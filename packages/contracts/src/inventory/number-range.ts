import * as v from 'valibot';
import { countSchema, pageFields, pageOf, sortOf, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, basedOnVersion, externalIdSchema, numberValueSchema } from './fields.js';

export const numberRangeSchema = v.object({
  id: idSchema('rng'),
  type: v.literal('numberRange'),
  version: versionSchema,
  domainId: idSchema('ndm'),
  /** The first and the last number, both in the range. */
  start: numberValueSchema,
  end: numberValueSchema,
  attributes: attributesSchema,
  externalIds: v.array(externalIdSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type NumberRange = v.InferOutput<typeof numberRangeSchema>;

export const numberRange = {
  create: verb({
    summary: 'Lets a pooled domain give the numbers from start to end.',
    command: v.strictObject({
      domainId: idSchema('ndm'),
      start: numberValueSchema,
      end: numberValueSchema,
      attributes: v.optional(attributesSchema, {}),
    }),
    result: numberRangeSchema,
    refuses: ['reference-not-found', 'allocation-conflict', 'topology-violation', 'amount-not-allowed'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Moves the bounds of a range; numbers already given outside of them stay given.',
    command: v.strictObject({
      id: idSchema('rng'),
      version: basedOnVersion,
      patch: v.strictObject({
        start: v.optional(numberValueSchema),
        end: v.optional(numberValueSchema),
        attributes: v.optional(attributesSchema),
      }),
    }),
    result: numberRangeSchema,
    refuses: ['not-found', 'version-mismatch', 'allocation-conflict', 'amount-not-allowed'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One range.',
    command: v.strictObject({ id: idSchema('rng') }),
    result: numberRangeSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Ranges by filter, ordered by id unless told.',
    command: v.strictObject({
      domainId: v.optional(idSchema('ndm')),
      sort: sortOf('id', 'id', 'start'),
      ...pageFields,
    }),
    result: pageOf(numberRangeSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  available: verb({
    summary: 'What of a range, or of all ranges of a domain, is free.',
    command: v.union([
      v.strictObject({
        id: idSchema('rng'),
        limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4096)), 10),
      }),
      v.strictObject({
        domainId: idSchema('ndm'),
        limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4096)), 10),
      }),
    ]),
    result: v.object({
      domainId: idSchema('ndm'),
      total: countSchema,
      used: countSchema,
      free: countSchema,
      firstFree: v.optional(numberValueSchema),
      next: v.array(numberValueSchema),
    }),
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;
