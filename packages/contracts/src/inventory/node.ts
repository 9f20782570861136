import * as v from 'valibot';
import {
  asOfFields,
  asOfRefuses,
  countSchema,
  labelsInputSchema,
  labelsPatchSchema,
  labelsSchema,
  pageFields,
  pageOf,
  sortOf,
  text,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { offerSchema } from './capacity.js';
import { edgeTypeSchema } from './edge.js';
import {
  attributesSchema,
  basedOnVersion,
  externalIdInputSchema,
  externalIdSchema,
  faceSchema,
  halfUnitSchema,
  nodeId,
  tenantId,
} from './fields.js';
import { kindKeySchema, nodeCategories } from './kind.js';

/** What the operator wants of a node. */
export const nodeIntents = ['in_service', 'no_provision', 'drain', 'expunged'] as const;

/** What the system knows of it; provisioning and removing only for category logical. */
export const nodeStates = [
  'planned',
  'staged',
  'available',
  'allocated',
  'releasing',
  'scrubbing',
  'quarantined',
  'failed',
  'retired',
  'provisioning',
  'removing',
] as const;

/** At most 30 days. */
const cleaningSecondsSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2_592_000));

const nodeName = text(1, 256);
const traits = v.pipe(v.array(text(1, 64)), v.maxLength(64));

/**
 * Where a device stands in the rack that is its parent, in half units: half unit 0 is the lowest of the rack. A full-depth
 * device takes both faces; `face` is the one it is mounted on.
 */
const rackPosition = {
  face: faceSchema,
  startHalfUnit: halfUnitSchema,
  heightHalfUnits: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(400)),
  fullDepth: v.boolean(),
} as const;
export const rackPositionSchema = v.object(rackPosition);
export const rackPositionInputSchema = v.strictObject(rackPosition);

export const nodeSchema = v.object({
  id: nodeId,
  type: v.literal('node'),
  version: versionSchema,
  kind: kindKeySchema,
  category: v.picklist(nodeCategories),
  name: v.optional(v.string()),
  parentId: v.optional(nodeId),
  tenantId: v.optional(tenantId),
  attributes: attributesSchema,
  traits: v.array(v.string()),
  labels: labelsSchema,
  intent: v.picklist(nodeIntents),
  state: v.picklist(nodeStates),
  /** How long it is cleaned after someone has had it whole, in seconds, by itself or by its kind; absent: not at all. */
  cleaningSeconds: v.optional(cleaningSecondsSchema),
  /** After someone has had it whole it is `scrubbing` until it is declared clean, and `quarantined` when that takes longer than cleaningSeconds. */
  scrubs: v.optional(v.literal(true)),
  externalIds: v.array(externalIdSchema),
  position: v.optional(rackPositionSchema),
  /** What it has to give, by class; absent where that is nothing. */
  capacities: v.optional(v.array(offerSchema)),
  /** The highest fence that an allocation of this node was given; 0 before the first. */
  fence: countSchema,
  /** Counts how often the node was taken from; the version does not move by that. */
  useVersion: countSchema,
  observedAt: v.optional(timeSchema),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type Node = v.InferOutput<typeof nodeSchema>;

/** A node as others mention it. */
export const nodeSummarySchema = v.object({ id: nodeId, kind: kindKeySchema, name: v.optional(v.string()) });

const register = verb({
  summary: 'Registers a node under its parent; the name is claimed among siblings of the same kind.',
  command: v.strictObject({
    /** Chosen by the caller where it must be known before; else minted. */
    id: v.optional(nodeId),
    kind: kindKeySchema,
    name: v.optional(nodeName),
    parentId: v.optional(nodeId),
    tenantId: v.optional(tenantId),
    attributes: v.optional(attributesSchema, {}),
    traits: v.optional(traits, []),
    labels: v.optional(labelsInputSchema, {}),
    intent: v.optional(v.picklist(nodeIntents), 'in_service'),
    state: v.optional(v.picklist(['planned', 'staged', 'available']), 'available'),
    /** Absent: as its kind says. */
    cleaningSeconds: v.optional(cleaningSecondsSchema),
    scrubs: v.optional(v.boolean()),
    externalIds: v.optional(v.pipe(v.array(externalIdInputSchema), v.maxLength(16)), []),
    position: v.optional(rackPositionInputSchema),
  }),
  result: nodeSchema,
  refuses: [
    'reference-not-found',
    'already-exists',
    'topology-violation',
    'allocation-conflict',
    'state-conflict',
    'cycle-detected',
  ],
  idempotent: false,
});

const amend = verb({
  summary: 'Changes what is named in the patch; a patch that changes nothing moves no version.',
  command: v.strictObject({
    id: nodeId,
    version: basedOnVersion,
    patch: v.strictObject({
      name: v.optional(v.nullable(nodeName)),
      parentId: v.optional(v.nullable(nodeId)),
      tenantId: v.optional(v.nullable(tenantId)),
      attributes: v.optional(attributesSchema),
      traits: v.optional(traits),
      labels: v.optional(labelsPatchSchema),
      intent: v.optional(v.picklist(nodeIntents)),
      /** `available` declares a node clean that is being scrubbed. */
      state: v.optional(v.picklist(['planned', 'staged', 'available', 'quarantined', 'failed'])),
      /** Counts from the next taking on. Null: as its kind says. */
      cleaningSeconds: v.optional(v.nullable(cleaningSecondsSchema)),
      scrubs: v.optional(v.nullable(v.boolean())),
      position: v.optional(v.nullable(rackPositionInputSchema)),
    }),
  }),
  result: nodeSchema,
  refuses: [
    'not-found',
    'version-mismatch',
    'reference-not-found',
    'already-exists',
    'topology-violation',
    'cycle-detected',
    'allocation-conflict',
    'state-conflict',
    'has-dependents',
    'blocked-by-hold',
  ],
  idempotent: false,
});

const clean = verb({
  summary: 'Declares a node clean that is being scrubbed or was quarantined: it can be taken again.',
  command: v.strictObject({
    id: nodeId,
    version: basedOnVersion,
    /** The fence of the use after which it was scrubbed: a report about an earlier use is refused. */
    fence: v.optional(countSchema),
  }),
  result: nodeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict', 'fence-stale'],
  idempotent: false,
});

const retire = verb({
  summary: 'Takes a node out of the graph and keeps its history; refused while anything depends on it.',
  command: v.strictObject({ id: nodeId, version: basedOnVersion }),
  result: nodeSchema,
  refuses: ['not-found', 'version-mismatch', 'has-dependents', 'blocked-by-hold'],
  idempotent: false,
});

const get = verb({
  summary: 'One node, retired ones too.',
  command: v.strictObject({ id: nodeId, ...asOfFields }),
  /** rootId: where the containment tree of this node begins; its own id for a root. */
  result: v.object({ ...nodeSchema.entries, rootId: nodeId }),
  refuses: ['not-found', ...asOfRefuses],
  idempotent: true,
});

const list = verb({
  summary: 'Nodes by filter, ordered by id unless told.',
  command: v.strictObject({
    kind: v.optional(v.pipe(v.array(kindKeySchema), v.minLength(1), v.maxLength(64))),
    /** Null asks for roots. */
    parentId: v.optional(v.nullable(nodeId)),
    name: v.optional(nodeName),
    namePrefix: v.optional(nodeName),
    state: v.optional(v.pipe(v.array(v.picklist(nodeStates)), v.minLength(1))),
    intent: v.optional(v.pipe(v.array(v.picklist(nodeIntents)), v.minLength(1))),
    source: v.optional(text(1, 64)),
    externalId: v.optional(text(1, 256)),
    /** The Kubernetes grammar, at most 10 requirements: env=prod,tier in (gold,silver),!old */
    labelSelector: v.optional(text(1, 1024)),
    /** Retired nodes are left out unless asked for here or by state. */
    showRetired: v.optional(v.boolean(), false),
    sort: sortOf('id', 'id', 'name', 'createdAt'),
    ...asOfFields,
    ...pageFields,
  }),
  result: pageOf(nodeSchema),
  refuses: ['invalid-cursor', 'unsupported-filter', ...asOfRefuses],
  idempotent: true,
});

const subtree = verb({
  summary: 'The node and everything in it, nearest first.',
  command: v.strictObject({
    id: nodeId,
    /** 0 is the node itself. */
    depthMax: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)), 64),
    kind: v.optional(v.pipe(v.array(kindKeySchema), v.minLength(1), v.maxLength(64))),
    ...asOfFields,
    ...pageFields,
  }),
  result: pageOf(v.object({ ...nodeSchema.entries, depth: countSchema })),
  refuses: ['not-found', 'invalid-cursor', ...asOfRefuses],
  idempotent: true,
});

const ancestors = verb({
  summary: 'What the node lies in, its parent first, the root last.',
  command: v.strictObject({ id: nodeId, ...asOfFields }),
  result: v.object({ items: v.array(nodeSchema) }),
  refuses: ['not-found', ...asOfRefuses],
  idempotent: true,
});

const neighbors = verb({
  summary: 'What the node, or a component of it, shares an edge with.',
  command: v.strictObject({
    id: nodeId,
    edgeType: v.optional(v.pipe(v.array(edgeTypeSchema), v.minLength(1))),
    /** Also edges of the ports inside the node. */
    throughComponents: v.optional(v.boolean(), true),
    ...pageFields,
  }),
  result: pageOf(
    v.object({
      edgeId: idSchema('edg'),
      edgeType: edgeTypeSchema,
      /** On which side of the edge this node stands: a is the source of directed types. */
      side: v.picklist(['a', 'b']),
      /** The end on our side: the node itself or a component of it. */
      via: nodeSummarySchema,
      node: nodeSummarySchema,
      /** What the far end is a component of. */
      owner: v.optional(nodeSummarySchema),
    }),
  ),
  refuses: ['not-found', 'invalid-cursor'],
  idempotent: true,
});

const path = verb({
  summary: 'The shortest way from one node to another over cables, panels and circuits.',
  command: v.strictObject({ fromId: nodeId, toId: nodeId }),
  result: v.object({
    found: v.boolean(),
    /** From the first node to the last; empty when there is none. `by` is how this node was reached. */
    steps: v.array(
      v.object({
        node: nodeSummarySchema,
        by: v.picklist(['start', 'contains', 'connects', 'backedBy']),
        edgeId: v.optional(idSchema('edg')),
      }),
    ),
  }),
  refuses: ['not-found', 'reference-not-found'],
  idempotent: true,
});

const elevation = verb({
  summary: 'A rack, half unit by half unit, both faces.',
  command: v.strictObject({ id: nodeId }),
  result: v.object({
    rackId: nodeId,
    heightHalfUnits: countSchema,
    /** The number printed on the lowest unit. */
    startingUnit: v.number(),
    claims: v.array(
      v.object({
        layer: v.picklist(['device', 'reservation']),
        face: faceSchema,
        startHalfUnit: halfUnitSchema,
        heightHalfUnits: halfUnitSchema,
        node: v.optional(nodeSummarySchema),
        purpose: v.optional(v.string()),
      }),
    ),
    /** Devices in the rack that take no units of it. */
    unpositioned: v.array(nodeSummarySchema),
    /** Taken on either face. */
    occupiedHalfUnits: countSchema,
    reservedHalfUnits: countSchema,
    /** Neither occupied nor reserved on either face. */
    freeHalfUnits: countSchema,
    /** The longest run of free half units. */
    largestFreeHalfUnits: countSchema,
  }),
  refuses: ['not-found', 'topology-violation'],
  idempotent: true,
});

export const node = {
  register,
  amend,
  clean,
  retire,
  get,
  list,
  subtree,
  ancestors,
  neighbors,
  elevation,
  path,
} as const;
