import * as v from 'valibot';
import { timeSchema, versionSchema } from '../api/common.js';
import { idSchema } from '../ids.js';
import { attributesSchema, externalIdSchema, hostSchema } from './fields.js';

/** A run of addresses as its source keeps it; it comes by import alone, and is named on the wire by its space and bounds. */
export const addressRangeSchema = v.object({
  type: v.literal('addressRange'),
  version: versionSchema,
  spaceId: idSchema('spc'),
  /** The first and the last host, both in the range. */
  start: hostSchema,
  end: hostSchema,
  attributes: attributesSchema,
  externalIds: v.array(externalIdSchema),
  state: v.picklist(['live', 'ended']),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
});
export type AddressRange = v.InferOutput<typeof addressRangeSchema>;
