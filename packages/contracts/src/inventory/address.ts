import * as v from 'valibot';
import { asOfFields, asOfRefuses, pageFields, pageOf, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import {
  attributesSchema,
  basedOnVersion,
  externalIdSchema,
  hostSchema,
  nodeId,
  prefixLengthSchema,
  tenantId,
} from './fields.js';

export const addressSchema = v.object({
  id: idSchema('adr'),
  type: v.literal('address'),
  version: versionSchema,
  spaceId: idSchema('spc'),
  address: v.string(),
  prefixLength: prefixLengthSchema,
  /** False: recorded beside another of the same host, as sources without uniqueness have it. */
  occupies: v.boolean(),
  attributes: attributesSchema,
  nodeId: v.optional(nodeId),
  tenantId: v.optional(tenantId),
  externalIds: v.array(externalIdSchema),
  state: v.picklist(['live', 'ended']),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
});
export type Address = v.InferOutput<typeof addressSchema>;

export const address = {
  record: verb({
    summary: 'Records an address that is in use; at most one holder per host and space.',
    command: v.strictObject({
      spaceId: idSchema('spc'),
      address: hostSchema,
      /** Absent: that of the longest prefix that holds it, else the whole length. */
      prefixLength: v.optional(prefixLengthSchema),
      attributes: v.optional(attributesSchema, {}),
      nodeId: v.optional(nodeId),
    }),
    result: addressSchema,
    refuses: ['reference-not-found', 'already-exists', 'allocation-conflict', 'topology-violation'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One recorded address, ended ones too.',
    command: v.strictObject({ id: idSchema('adr'), ...asOfFields }),
    result: addressSchema,
    refuses: ['not-found', ...asOfRefuses],
    idempotent: true,
  }),
  list: verb({
    summary: 'Live recorded addresses by filter, ordered by space and address.',
    command: v.strictObject({
      spaceId: v.optional(idSchema('spc')),
      /** Those inside this prefix. */
      blockId: v.optional(idSchema('blk')),
      address: v.optional(hostSchema),
      nodeId: v.optional(nodeId),
      ...asOfFields,
      ...pageFields,
    }),
    result: pageOf(addressSchema),
    refuses: ['invalid-cursor', 'reference-not-found', ...asOfRefuses],
    idempotent: true,
  }),
  remove: verb({
    summary: 'Ends a recorded address; the host is free again after the cool-down of its space.',
    command: v.strictObject({ id: idSchema('adr'), version: basedOnVersion }),
    result: addressSchema,
    refuses: ['not-found', 'version-mismatch', 'blocked-by-hold'],
    idempotent: false,
  }),
} as const;
