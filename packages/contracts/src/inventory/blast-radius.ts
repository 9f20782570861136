import * as v from 'valibot';
import { countSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { allocationSchema } from './allocation.js';
import { cidrSchema, nodeId, numberValueSchema, tenantId } from './fields.js';
import { nodeSummarySchema } from './node.js';

/** How many nodes a walk reaches at most; what lies beyond is not looked at, and the answer says so. */
export const blastWalkMax = 10_000;

const limit = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), 200);

/** A holder of something that is hit, by its scope: what it is for is told by its own read. */
const hitSchema = v.object({
  ...v.pick(allocationSchema, ['id', 'tenantId', 'projectId', 'environmentId', 'state', 'boundTaskId']).entries,
});

const get = verb({
  summary: 'What a node, a prefix or a number takes along when it fails: nodes, prefixes, holders and their scopes.',
  command: v.strictObject({
    id: v.union([nodeId, idSchema('blk'), idSchema('rng')]),
    /** One number of the range alone. */
    number: v.optional(numberValueSchema),
    /** How many of each are named. */
    limit,
  }),
  result: v.object({
    id: v.string(),
    /** The nearest first. What is reached by a cable alone is named and not walked on from: it loses the cable, not its life. */
    nodes: v.array(
      v.object({
        ...nodeSummarySchema.entries,
        /** How it was reached first: it lies in what is hit, or has an edge to it. `uses` has an address or number of what was asked about. */
        by: v.picklist(['start', 'contains', 'depends', 'backedBy', 'memberOf', 'connects', 'uses']),
        /** From which node. */
        viaId: v.optional(nodeId),
        distance: countSchema,
      }),
    ),
    blocks: v.array(v.object({ id: idSchema('blk'), spaceId: idSchema('spc'), cidr: cidrSchema })),
    /** Live ones that hold any of it, by id. */
    allocations: v.array(hitSchema),
    /** Whose they are, and whose nodes. */
    scopes: v.object({
      tenantIds: v.array(tenantId),
      projectIds: v.array(idSchema('prj')),
      environmentIds: v.array(idSchema('env')),
    }),
    counts: v.object({ nodes: countSchema, blocks: countSchema, allocations: countSchema }),
    /** More was hit than is looked at or named: where the walk ended, the counts are the least that it is. */
    truncated: v.boolean(),
  }),
  refuses: ['not-found'],
  idempotent: true,
});

export const blastRadius = { get } as const;
