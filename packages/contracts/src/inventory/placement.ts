import * as v from 'valibot';
import { countSchema, text, timeInputSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { amountSchema } from './capacity.js';
import { nodeId } from './fields.js';
import { kindKeySchema } from './kind.js';
import { classKeySchema } from './resource-class.js';
import { traitKeySchema } from './trait.js';

const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const amounts = v.strictObject({ class: classKeySchema, amount: amountSchema });
const nodes = v.strictObject({ kind: kindKeySchema, count: v.optional(whole(1, 64), 1) });

/** A trait, or several of which one is enough. */
const wantedTrait = v.union([
  traitKeySchema,
  v.strictObject({ anyOf: v.pipe(v.array(traitKeySchema), v.minLength(1), v.maxLength(16)) }),
]);

/** What a node must be like. */
const like = {
  requiredTraits: v.optional(v.pipe(v.array(wantedTrait), v.maxLength(16)), []),
  forbiddenTraits: v.optional(v.pipe(v.array(traitKeySchema), v.maxLength(16)), []),
  labelSelector: v.optional(text(1, 1024)),
};

const groupName = text(1, 32);
const someAllocations = v.pipe(v.array(idSchema('alc')), v.minLength(1), v.maxLength(256));

/** Allocations that hold something in the same failure domain of this kind; without a level, in the same host. */
const beside = v.strictObject({ allocationIds: someAllocations, level: v.optional(kindKeySchema) });

/**
 * What is to be placed, and where. A place is a host: a node that is no component, with the components in it. What is asked for
 * lies in the host, or with members that share in a pool of it.
 */
export const placementFields = {
  /** Amounts of classes, each once; or whole nodes of one kind. Amounts may come from different nodes of the host. */
  resources: v.optional(v.pipe(v.array(v.union([amounts, nodes])), v.maxLength(16)), []),
  /** What the host must be like. */
  ...like,
  /** Amounts that one node must have together. */
  groups: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          name: groupName,
          resources: v.pipe(v.array(amounts), v.minLength(1), v.maxLength(16)),
          ...like,
        }),
      ),
      v.maxLength(8),
    ),
    [],
  ),
  /** Whether two groups may have the same node; to be said where there are two. */
  groupPolicy: v.optional(v.picklist(['isolate', 'share'])),
  /** Of the nodes of these groups, one holds all the others. */
  sameSubtree: v.optional(
    v.pipe(v.array(v.pipe(v.array(groupName), v.minLength(2), v.maxLength(8))), v.maxLength(4)),
    [],
  ),
  /** Every entry holds; within one, any pool is enough. A host lies in a pool when it, or what it lies in, is a member. */
  pools: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          is: v.picklist(['in', 'notIn']),
          poolIds: v.pipe(v.array(idSchema('pol')), v.minLength(1), v.maxLength(16)),
        }),
      ),
      v.maxLength(8),
    ),
    [],
  ),
  /** A node that the host lies in. */
  location: v.optional(nodeId),
  /** At most `max` places in one failure domain of this kind, with what these allocations have there. */
  spread: v.optional(
    v.strictObject({
      level: kindKeySchema,
      max: v.optional(whole(1, 10_000), 1),
      with: v.optional(someAllocations),
    }),
  ),
  near: v.optional(beside),
  avoid: v.optional(beside),
  /** The fullest first, the emptiest, or that which leaves its classes most evenly used; absent: any, another each time. */
  strategy: v.optional(v.picklist(['pack', 'spread', 'balanced'])),
};
export const placementSchema = v.strictObject(placementFields);
export type Placement = v.InferOutput<typeof placementSchema>;

/** The order in which places are judged. */
export const placementFilters = [
  'inService',
  'traits',
  'labels',
  'location',
  'policy',
  'pools',
  'capacity',
  'near',
  'avoid',
  'spread',
] as const;

/** How many hosts are left after each filter; `lifted` says how many would pass all of them but this one. */
export const waterfallSchema = v.array(
  v.object({ filter: v.picklist(['offered', ...placementFilters]), left: countSchema, lifted: countSchema }),
);
export type Waterfall = v.InferOutput<typeof waterfallSchema>;

/** One way to have all that is asked for. */
const candidateSchema = v.object({
  hostId: nodeId,
  /** The failure domain of the spread, where the caller sees it. */
  domainId: v.optional(nodeId),
  /** As an allocation asks for them. */
  items: v.array(
    v.variant('what', [
      v.object({ what: v.literal('node'), nodeId }),
      v.object({
        what: v.literal('capacity'),
        nodeId,
        class: classKeySchema,
        amount: amountSchema,
        group: v.optional(v.string()),
      }),
    ]),
  ),
});

const providerSchema = v.object({
  nodeId,
  kind: kindKeySchema,
  name: v.optional(v.string()),
  /** Where the caller sees it. */
  parentId: v.optional(nodeId),
  /** The last of what the caller sees on the way up. */
  rootId: nodeId,
  capacities: v.array(v.object({ class: classKeySchema, cap: countSchema, used: countSchema, free: countSchema })),
});

export const placement = {
  candidates: verb({
    summary: 'Where things could be placed, now or in a window, of what the caller sees; nothing is taken.',
    command: v.strictObject({
      environmentId: idSchema('env'),
      ...placementFields,
      /** The window [startsAt, endsAt) that they are for, as an allocation asks for it: absent, from now on and for good. */
      startsAt: v.optional(timeInputSchema),
      endsAt: v.optional(timeInputSchema),
      limit: v.optional(whole(1, 500), 50),
      /** Tells the waterfall also where something was found. */
      explain: v.optional(v.boolean(), false),
    }),
    result: v.object({
      candidates: v.array(candidateSchema),
      /** The nodes that candidates name, each once. */
      providers: v.array(providerSchema),
      /** Absent where something was found and no explanation is asked for. */
      waterfall: v.optional(waterfallSchema),
    }),
    refuses: ['reference-not-found', 'validation-failed', 'unsupported-filter', 'scope-not-active'],
    idempotent: true,
  }),
} as const;
