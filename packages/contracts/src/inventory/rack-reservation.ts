import * as v from 'valibot';
import { timeSchema, versionSchema } from '../api/common.js';
import { attributesSchema, externalIdSchema, nodeId } from './fields.js';

/** Units of a rack kept free for a purpose; it comes by import alone, and is named on the wire by the keys of its source. */
export const rackReservationSchema = v.object({
  type: v.literal('rackReservation'),
  version: versionSchema,
  rackId: nodeId,
  /** As they are printed on the rack. */
  units: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  attributes: attributesSchema,
  externalIds: v.array(externalIdSchema),
  state: v.picklist(['live', 'ended']),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
});
export type RackReservation = v.InferOutput<typeof rackReservationSchema>;
