import * as v from 'valibot';
import { asOfFields, asOfRefuses, pageFields, pageOf, sortOf, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, basedOnVersion, externalIdInputSchema, externalIdSchema, nodeId } from './fields.js';

/** connects: symmetric, port to port. depends: directed, acyclic. memberOf and backedBy: directed, a is the source. */
export const edgeTypeSchema = v.picklist(['connects', 'depends', 'memberOf', 'backedBy']);

/** The ends of one side, in order. */
const ends = v.pipe(v.array(nodeId), v.minLength(1), v.maxLength(64));

export const edgeSchema = v.object({
  id: idSchema('edg'),
  type: v.literal('edge'),
  version: versionSchema,
  edgeType: edgeTypeSchema,
  a: v.array(nodeId),
  b: v.array(nodeId),
  attributes: attributesSchema,
  externalIds: v.array(externalIdSchema),
  state: v.picklist(['live', 'ended']),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
});
export type Edge = v.InferOutput<typeof edgeSchema>;

export const edge = {
  connect: verb({
    summary: 'Makes an edge between the nodes of side a and those of side b; a port carries at most one live cable.',
    command: v.strictObject({
      edgeType: edgeTypeSchema,
      a: ends,
      b: ends,
      attributes: v.optional(attributesSchema, {}),
      externalIds: v.optional(v.pipe(v.array(externalIdInputSchema), v.maxLength(16)), []),
    }),
    result: edgeSchema,
    refuses: ['reference-not-found', 'already-exists', 'allocation-conflict', 'topology-violation', 'cycle-detected'],
    idempotent: false,
  }),
  disconnect: verb({
    summary: 'Ends an edge; its ports are free again.',
    command: v.strictObject({ id: idSchema('edg'), version: basedOnVersion }),
    result: edgeSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One edge, ended ones too.',
    command: v.strictObject({ id: idSchema('edg'), ...asOfFields }),
    result: edgeSchema,
    refuses: ['not-found', ...asOfRefuses],
    idempotent: true,
  }),
  list: verb({
    summary: 'Live edges by filter, ordered by id unless told.',
    command: v.strictObject({
      edgeType: v.optional(v.pipe(v.array(edgeTypeSchema), v.minLength(1))),
      nodeId: v.optional(nodeId),
      sort: sortOf('id', 'id', 'createdAt'),
      ...asOfFields,
      ...pageFields,
    }),
    result: pageOf(edgeSchema),
    refuses: ['invalid-cursor', ...asOfRefuses],
    idempotent: true,
  }),
} as const;
