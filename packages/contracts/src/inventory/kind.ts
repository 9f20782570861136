import * as v from 'valibot';
import { countSchema, pageFields, pageOf, text, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { attributesSchema } from './fields.js';

export const kindKeySchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be a kind like rack or power-port'),
);

export const nodeCategories = ['location', 'device', 'component', 'logical'] as const;

export const kindSchema = v.object({
  type: v.literal('kind'),
  key: kindKeySchema,
  title: v.string(),
  category: v.picklist(nodeCategories),
  attributeSchema: attributesSchema,
  attributeVersion: versionSchema,
  /** Absent: any parent. */
  allowedParents: v.optional(v.array(kindKeySchema)),
  allocMode: v.picklist(['none', 'exclusive', 'shared']),
  isFailureDomain: v.boolean(),
  isConnectable: v.boolean(),
  allowedTraits: v.array(text(1, 64)),
  /** What its nodes do that do not say otherwise; see the node. */
  cleaningSeconds: countSchema,
  scrubs: v.boolean(),
  version: versionSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Kind = v.InferOutput<typeof kindSchema>;

export const kind = {
  list: verb({
    summary: 'The kinds that a node can have.',
    command: v.strictObject({ category: v.optional(v.picklist(nodeCategories)), ...pageFields }),
    result: pageOf(kindSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  get: verb({
    summary: 'One kind by its key.',
    command: v.strictObject({ key: kindKeySchema }),
    result: kindSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;
