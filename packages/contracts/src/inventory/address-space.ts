import * as v from 'valibot';
import { pageFields, pageOf, sortOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, basedOnVersion, coolDownSecondsSchema, externalIdSchema, tenantId } from './fields.js';

export const addressSpaceSchema = v.object({
  id: idSchema('spc'),
  type: v.literal('addressSpace'),
  version: versionSchema,
  name: v.string(),
  /** How long what is given back rests before it is given again. */
  coolDownSeconds: coolDownSecondsSchema,
  attributes: attributesSchema,
  tenantId: v.optional(tenantId),
  externalIds: v.array(externalIdSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type AddressSpace = v.InferOutput<typeof addressSpaceSchema>;

export const addressSpace = {
  create: verb({
    summary: 'Creates a routing table of its own.',
    command: v.strictObject({
      name: text(1, 128),
      coolDownSeconds: v.optional(coolDownSecondsSchema, 0),
      attributes: v.optional(attributesSchema, {}),
    }),
    result: addressSpaceSchema,
    refuses: ['already-exists'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Changes what is named in the patch.',
    command: v.strictObject({
      id: idSchema('spc'),
      version: basedOnVersion,
      patch: v.strictObject({
        name: v.optional(text(1, 128)),
        coolDownSeconds: v.optional(coolDownSecondsSchema),
        attributes: v.optional(attributesSchema),
      }),
    }),
    result: addressSpaceSchema,
    refuses: ['not-found', 'version-mismatch', 'already-exists'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One address space.',
    command: v.strictObject({ id: idSchema('spc') }),
    result: addressSpaceSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Address spaces, ordered by id unless told.',
    command: v.strictObject({ name: v.optional(text(1, 128)), sort: sortOf('id', 'id', 'name'), ...pageFields }),
    result: pageOf(addressSpaceSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
} as const;
