import * as v from 'valibot';
import { countSchema, pageFields, pageOf, text, timeInputSchema, timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, nodeId } from './fields.js';
import { sightedSchema, sightingsMax, sourceSchema } from './finding.js';
import { nodeStates } from './node.js';

/** How many sources may tell of one node. */
export const sourcesMax = 16;

/** How long the attributes of one observation may be, as JSON. */
export const observedCharsMax = 16_384;

const observedStateSchema = v.picklist([...nodeStates, 'absent']);
const specHash = text(1, 128);

/** The newest that a source has told of a node. Bookkeeping: no version, no event. */
export const observationSchema = v.object({
  id: idSchema('obs'),
  type: v.literal('observation'),
  nodeId,
  source: v.string(),
  generation: countSchema,
  state: v.optional(observedStateSchema),
  attributes: v.optional(attributesSchema),
  specHash: v.optional(v.string()),
  /** By the clock of the source. */
  observedAt: timeSchema,
  /** By ours. */
  receivedAt: timeSchema,
});
export type Observation = v.InferOutput<typeof observationSchema>;

const sightingSchema = v.pipe(
  v.strictObject({
    nodeId: v.optional(nodeId),
    /** What the source calls it, in place of the id. */
    externalId: v.optional(text(1, 256)),
    observedAt: timeInputSchema,
    /** The source's count of changes of the thing. */
    generation: countSchema,
    /** `absent`: it was looked for and is not there. What is not told is not compared. */
    state: v.optional(observedStateSchema),
    /** Each of these is compared with the node's of the same key. */
    attributes: v.optional(
      v.pipe(
        attributesSchema,
        v.check(
          (it) => JSON.stringify(it).length <= observedCharsMax,
          `must be at most ${observedCharsMax} characters as JSON`,
        ),
      ),
    ),
    /** Compared with the node's attribute `specHash`, where it has one. */
    specHash: v.optional(specHash),
  }),
  v.check((it) => (it.nodeId === undefined) !== (it.externalId === undefined), 'must have either nodeId or externalId'),
);

const report = verb({
  summary: 'Takes in what a source saw of nodes and finds where it differs from what is intended.',
  command: v.strictObject({
    source: sourceSchema,
    sightings: v.pipe(
      v.array(sightingSchema),
      v.minLength(1),
      v.maxLength(sightingsMax),
      v.check(
        (each) => new Set(each.map((it) => `${it.nodeId ?? ''} ${it.externalId ?? ''}`)).size === each.length,
        'must name each node once',
      ),
    ),
  }),
  result: v.object({
    /** One for each sighting, in its order. */
    items: v.array(
      v.object({
        /**
         * `taken`; `stale`: the source has told of the same or a later time already; `unknown`: no node has this external id;
         * `full`: as many other sources tell of the node as may. Only what is taken is compared, and what is unknown is foreign.
         */
        outcome: v.picklist(['taken', 'stale', 'unknown', 'full']),
        observationId: v.optional(idSchema('obs')),
        nodeId: v.optional(nodeId),
        ...sightedSchema.entries,
      }),
    ),
    replayed: v.optional(v.literal(true)),
  }),
  refuses: ['permission-denied', 'reference-not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'The newest that each source has told of each node, ordered by id.',
  command: v.strictObject({ nodeId: v.optional(nodeId), source: v.optional(sourceSchema), ...pageFields }),
  result: pageOf(observationSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

export const observation = { report, list } as const;
