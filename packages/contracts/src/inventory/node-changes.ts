import * as v from 'valibot';
import { asOfRefuses, pageFields, pageOf, timeInputSchema, timeSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { allocationSchema } from './allocation.js';
import { addressBlockSchema } from './address-block.js';
import { edgeSchema } from './edge.js';
import { nodeId } from './fields.js';
import { nodeSchema } from './node.js';

/** How many things of one type may lie in a node at either instant; a larger one is asked for by what lies in it. */
export const changesMax = 10_000;

/** What is compared: nodes, edges that end in them, prefixes that lie at them, and allocations that hold of them. */
export const changedTypes = ['node', 'edge', 'addressBlock', 'allocation'] as const;

const state = v.variant('type', [nodeSchema, edgeSchema, addressBlockSchema, allocationSchema]);

/** One thing that is not at the second instant as it was at the first. */
export const changeSchema = v.object({
  type: v.picklist(changedTypes),
  id: v.string(),
  /**
   * `added` lay in the node at the second instant alone, `removed` at the first alone: it came to be or ended, or it was moved,
   * connected, given or taken back. `changed` lay in it at both.
   */
  change: v.picklist(['added', 'removed', 'changed']),
  /** Top-level fields that differ, as JSON pointers. Empty where it was changed and changed back, or is only counted elsewhere. */
  changedFields: v.array(v.string()),
  /** Its version at the first instant and as it was then; absent where it was not there, or not to be seen. */
  fromVersion: v.optional(versionSchema),
  before: v.optional(state),
  /** The same at the second: of what was moved away, where it is then. */
  toVersion: v.optional(versionSchema),
  after: v.optional(state),
});

const changes = verb({
  summary: 'What of a node and of all that lies in it is different between two instants, by type and id.',
  command: v.strictObject({
    id: nodeId,
    from: timeInputSchema,
    /** Later than `from`; absent: now. */
    to: v.optional(timeInputSchema),
    types: v.optional(v.pipe(v.array(v.picklist(changedTypes)), v.minLength(1), v.maxLength(4)), [...changedTypes]),
    ...pageFields,
  }),
  /** The instants as they were taken. */
  result: v.object({ ...pageOf(changeSchema).entries, from: timeSchema, to: timeSchema }),
  refuses: ['not-found', 'invalid-cursor', ...asOfRefuses],
  idempotent: true,
});

export const nodeChanges = { changes } as const;
