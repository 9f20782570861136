import * as v from 'valibot';
import { pageFields, pageOf, sortOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, basedOnVersion, coolDownSecondsSchema, externalIdSchema, nodeId } from './fields.js';

export const numberKindSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a kind like vlan, vni or asn'),
);

export const numberDomainSchema = v.object({
  id: idSchema('ndm'),
  type: v.literal('numberDomain'),
  version: versionSchema,
  name: v.string(),
  /** vlan takes 1 to 4094; every other kind 0 to 4294967295. */
  kind: numberKindSchema,
  /** False: numbers are recorded here, never given out, and may repeat. */
  pooled: v.boolean(),
  coolDownSeconds: coolDownSecondsSchema,
  attributes: attributesSchema,
  nodeId: v.optional(nodeId),
  externalIds: v.array(externalIdSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type NumberDomain = v.InferOutput<typeof numberDomainSchema>;

export const numberDomain = {
  create: verb({
    summary: 'Creates a place where a number means one thing.',
    command: v.strictObject({
      name: text(1, 128),
      kind: numberKindSchema,
      pooled: v.optional(v.boolean(), true),
      coolDownSeconds: v.optional(coolDownSecondsSchema, 0),
      attributes: v.optional(attributesSchema, {}),
      nodeId: v.optional(nodeId),
    }),
    result: numberDomainSchema,
    refuses: ['already-exists', 'reference-not-found'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Changes what is named in the patch.',
    command: v.strictObject({
      id: idSchema('ndm'),
      version: basedOnVersion,
      patch: v.strictObject({
        name: v.optional(text(1, 128)),
        coolDownSeconds: v.optional(coolDownSecondsSchema),
        attributes: v.optional(attributesSchema),
        nodeId: v.optional(v.nullable(nodeId)),
      }),
    }),
    result: numberDomainSchema,
    refuses: ['not-found', 'version-mismatch', 'already-exists', 'reference-not-found'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One number domain.',
    command: v.strictObject({ id: idSchema('ndm') }),
    result: numberDomainSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Number domains by filter, ordered by id unless told.',
    command: v.strictObject({
      kind: v.optional(numberKindSchema),
      name: v.optional(text(1, 128)),
      pooled: v.optional(v.boolean()),
      sort: sortOf('id', 'id', 'name'),
      ...pageFields,
    }),
    result: pageOf(numberDomainSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
} as const;
