import * as v from 'valibot';
import { versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { allocation, allocationRequestItemSchema, allocationSchema } from './allocation.js';
import { capacity } from './capacity.js';
import { nodeId } from './fields.js';
import { node, nodeSchema, rackPositionInputSchema } from './node.js';

/** By name: what is described would be searched in what is about to be another one. */
const items = v.optional(v.pipe(v.array(allocationRequestItemSchema), v.maxLength(64)));

/** How many nodes and how many holders one reshape may have: they are one transaction. */
export const reshapeMax = 100;

const reshape = verb({
  summary: 'Moves nodes, what they offer and what holders have of them in one step, judged as it ends up.',
  command: v.strictObject({
    nodes: v.pipe(
      v.array(
        v.strictObject({
          id: nodeId,
          /** The version that the change is based on, of the node and of what it offers. A node of which nothing else is said is held to it. */
          version: versionSchema,
          parentId: v.optional(v.nullable(nodeId)),
          position: v.optional(v.nullable(rackPositionInputSchema)),
          /** All that it offers from then on; a class that is left out must have no use left. */
          capacities: v.optional(capacity.set.command.entries.capacities),
        }),
      ),
      v.minLength(1),
      v.maxLength(reshapeMax),
    ),
    allocations: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            id: allocation.replace.command.entries.id,
            version: versionSchema,
            /** The whole set that counts from then on; an empty one gives everything back. */
            items,
          }),
        ),
        v.maxLength(reshapeMax),
      ),
      [],
    ),
  }),
  result: v.object({
    /** As they are now, in the order in which they were named. */
    nodes: v.array(nodeSchema),
    allocations: v.array(allocationSchema),
    replayed: v.optional(v.literal(true)),
  }),
  refuses: [...new Set([...node.amend.refuses, ...capacity.set.refuses, ...allocation.replace.refuses])],
  idempotent: false,
});

/** Verbs of the noun node that change nodes together with what is held of them. */
export const nodeReshape = { reshape } as const;
