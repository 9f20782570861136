import * as v from 'valibot';
import { asOfFields, asOfRefuses, pageFields, pageOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, externalIdSchema, nodeId, numberValueSchema, tenantId } from './fields.js';

/** A recorded number, named on the wire by its domain and value. */
export const numberSchema = v.object({
  type: v.literal('number'),
  version: versionSchema,
  domainId: idSchema('ndm'),
  value: numberValueSchema,
  name: v.optional(v.string()),
  /** False: it repeats another of its domain. */
  occupies: v.boolean(),
  attributes: attributesSchema,
  nodeId: v.optional(nodeId),
  tenantId: v.optional(tenantId),
  externalIds: v.array(externalIdSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type NumberRecord = v.InferOutput<typeof numberSchema>;

export const number = {
  record: verb({
    summary: 'Records a number that is in use; at most one holder per value in a pooled domain.',
    command: v.strictObject({
      domainId: idSchema('ndm'),
      value: numberValueSchema,
      name: v.optional(text(1, 128)),
      attributes: v.optional(attributesSchema, {}),
      nodeId: v.optional(nodeId),
    }),
    result: numberSchema,
    refuses: ['reference-not-found', 'already-exists', 'allocation-conflict', 'amount-not-allowed'],
    idempotent: false,
  }),
  list: verb({
    summary: 'Live recorded numbers by filter, ordered by domain and value.',
    command: v.strictObject({
      domainId: v.optional(idSchema('ndm')),
      value: v.optional(numberValueSchema),
      nodeId: v.optional(nodeId),
      ...asOfFields,
      ...pageFields,
    }),
    result: pageOf(numberSchema),
    refuses: ['invalid-cursor', ...asOfRefuses],
    idempotent: true,
  }),
} as const;
