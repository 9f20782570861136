import * as v from 'valibot';
import { pageFields, pageOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { attributesSchema, externalIdInputSchema, externalIdSchema, halfUnitSchema } from './fields.js';

/** Lists of components by their plural name: interfaces, powerPorts, frontPorts, …; the entries are as the source has them. */
const components = v.record(text(1, 64), v.array(v.record(v.string(), v.unknown())));

/** manufacturer and slug together are the key: there is no other id on the wire. */
const deviceTypeKey = { manufacturer: text(1, 128), slug: text(1, 128) } as const;

export const deviceTypeSchema = v.object({
  type: v.literal('deviceType'),
  version: versionSchema,
  manufacturer: v.string(),
  model: v.string(),
  slug: v.string(),
  heightHalfUnits: halfUnitSchema,
  fullDepth: v.boolean(),
  attributes: attributesSchema,
  components,
  externalIds: v.array(externalIdSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type DeviceType = v.InferOutput<typeof deviceTypeSchema>;

export const deviceType = {
  register: verb({
    summary: 'Registers a hardware profile.',
    command: v.strictObject({
      ...deviceTypeKey,
      model: text(1, 128),
      heightHalfUnits: v.optional(halfUnitSchema, 2),
      fullDepth: v.optional(v.boolean(), true),
      attributes: v.optional(attributesSchema, {}),
      components: v.optional(components, {}),
      externalIds: v.optional(v.pipe(v.array(externalIdInputSchema), v.maxLength(16)), []),
    }),
    result: deviceTypeSchema,
    refuses: ['already-exists'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One hardware profile by manufacturer and slug.',
    command: v.strictObject(deviceTypeKey),
    result: deviceTypeSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Hardware profiles, ordered by manufacturer and slug.',
    command: v.strictObject({ manufacturer: v.optional(text(1, 128)), ...pageFields }),
    result: pageOf(deviceTypeSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
} as const;
