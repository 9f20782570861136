import * as v from 'valibot';
import {
  countSchema,
  pageFields,
  pageOf,
  reasonSchema,
  text,
  timeInputSchema,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { principalTypes, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion, nodeId, tenantId } from './fields.js';

/** How far apart two sightings of one generation lie before a difference counts, in seconds by the clock of their source. */
export const sightingsApartSeconds = 60;

/** How far the clock of a source may be ahead of ours, in seconds. */
export const observedAheadSeconds = 60;

/** How many sightings one report may have. */
export const sightingsMax = 500;

/** How many findings of one source may wait for their end; what it reports beyond is not kept, and it is told. */
export const findingsOpenMax = 10_000;

/** How many differences a finding shows, and how long each side may be as JSON; a longer one is left out. */
export const differencesMax = 64;
export const differenceCharsMax = 2_048;

/**
 * `missing`: it should be there and is not; `foreign`: it is there and nobody asked for it; `drift`: it is there and differs;
 * `orphan`: a task that failed has left it. Later versions may name others.
 */
export const findingKinds = ['missing', 'foreign', 'drift', 'orphan'] as const;

/** Seen once it is suspect, seen twice it is open. Accepted: it may differ as it does. Only resolved is an end. */
export const findingStates = ['suspect', 'open', 'repairing', 'accepted', 'resolved'] as const;

/** Who tells: a service, an agent, a scanner. */
export const sourceSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name like redfish-scan'),
);

/** What the source calls the thing, or the id of its node. */
const resource = text(1, 256);

/** One field that is not as intended, as a JSON pointer; a side that is absent has no such field. */
export const differenceSchema = v.object({
  field: text(1, 300),
  expected: v.optional(v.unknown()),
  observed: v.optional(v.unknown()),
});
export type Difference = v.InferOutput<typeof differenceSchema>;

export const findingSchema = v.object({
  id: idSchema('fnd'),
  type: v.literal('finding'),
  version: versionSchema,
  kind: v.picklist(findingKinds),
  state: v.picklist(findingStates),
  source: v.string(),
  resource: v.string(),
  nodeId: v.optional(nodeId),
  /** Whose it was when it was found. */
  tenantId: v.optional(tenantId),
  allocationId: v.optional(idSchema('alc')),
  taskId: v.optional(idSchema('tsk')),
  stepId: v.optional(idSchema('stp')),
  /** The source's count of changes of the thing: two sightings of one state are told by it from two states. */
  generation: countSchema,
  differences: v.array(differenceSchema),
  /** How often it was seen like this. No change of the finding: the version does not move by it. */
  sightings: countSchema,
  firstSeenAt: timeSchema,
  lastSeenAt: timeSchema,
  note: v.optional(v.string()),
  /** Who accepted it, resolved it or began its repair. */
  decidedBy: v.optional(v.object({ id: v.string(), type: v.picklist(principalTypes) })),
  /** `agreed`: it was seen as intended; `decided`: somebody said so; `handed_over`: the thing is another tenant's by now. */
  resolution: v.optional(v.picklist(['agreed', 'decided', 'handed_over'])),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  resolvedAt: v.optional(timeSchema),
  replayed: v.optional(v.literal(true)),
});
export type Finding = v.InferOutput<typeof findingSchema>;

/** What became of a finding, in short. */
export const findingSummarySchema = v.object({
  id: idSchema('fnd'),
  version: versionSchema,
  kind: v.picklist(findingKinds),
  state: v.picklist(findingStates),
});

/** Where a sighting left the finding of its thing. */
export const sightedSchema = v.object({
  /** The finding that lives, or that this sighting has resolved; absent where there is none. */
  finding: v.optional(findingSummarySchema),
  /** A difference that is not kept: the source has as many findings as it may. */
  dropped: v.optional(v.literal(true)),
});

const report = verb({
  summary:
    'Tells what was seen of things where it was compared by who reports: a difference becomes a finding, open once it was seen twice, and one that is gone resolves it.',
  command: v.strictObject({
    source: sourceSchema,
    sightings: v.pipe(
      v.array(
        v.strictObject({
          resource,
          observedAt: timeInputSchema,
          generation: countSchema,
          /** Absent: it is as intended. */
          kind: v.optional(v.picklist(findingKinds)),
          differences: v.optional(
            v.pipe(
              v.array(
                v.strictObject({
                  field: differenceSchema.entries.field,
                  expected: v.optional(v.unknown()),
                  observed: v.optional(v.unknown()),
                }),
              ),
              v.maxLength(differencesMax),
            ),
            [],
          ),
          nodeId: v.optional(nodeId),
          tenantId: v.optional(tenantId),
          allocationId: v.optional(idSchema('alc')),
          taskId: v.optional(idSchema('tsk')),
          /** The operation that made it. */
          stepId: v.optional(idSchema('stp')),
        }),
      ),
      v.minLength(1),
      v.maxLength(sightingsMax),
      v.check((each) => new Set(each.map((it) => it.resource)).size === each.length, 'must name each resource once'),
    ),
  }),
  /** One for each sighting, in its order. */
  result: v.object({ items: v.array(sightedSchema) }),
  refuses: ['permission-denied', 'reference-not-found'],
  idempotent: true,
});

const get = verb({
  summary: 'One finding, resolved ones too.',
  command: v.strictObject({ id: idSchema('fnd') }),
  result: findingSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Findings by filter, ordered by id; resolved ones only where asked for by state.',
  command: v.strictObject({
    state: v.optional(v.pipe(v.array(v.picklist(findingStates)), v.minLength(1))),
    kind: v.optional(v.pipe(v.array(v.picklist(findingKinds)), v.minLength(1))),
    source: v.optional(sourceSchema),
    nodeId: v.optional(nodeId),
    ...pageFields,
  }),
  result: pageOf(findingSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const decided = { id: idSchema('fnd'), version: basedOnVersion } as const;

const accept = verb({
  summary: 'Leaves a difference as it is: it is not found again until it differs in another way.',
  command: v.strictObject({ ...decided, note: reasonSchema }),
  result: findingSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

const repair = verb({
  summary: 'Says that an open finding is being repaired; seen to differ in a new generation, it is open again.',
  command: v.strictObject({ ...decided, note: v.optional(reasonSchema), taskId: v.optional(idSchema('tsk')) }),
  result: findingSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

const resolve = verb({
  summary: 'Ends a finding by hand; seen again, it is a new one.',
  command: v.strictObject({ ...decided, note: reasonSchema }),
  result: findingSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

export const finding = { report, get, list, accept, repair, resolve } as const;
