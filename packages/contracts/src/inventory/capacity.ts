import * as v from 'valibot';
import { countSchema, versionSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { basedOnVersion, nodeId } from './fields.js';
import { classKeySchema } from './resource-class.js';

/** The largest total and the largest amount: times the largest overcommit it stays far below 2^53. */
export const amountMax = 1_000_000_000_000;

/** A whole number of a class's unit. */
export const amountSchema = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(amountMax));

const total = amountSchema;
const heldBack = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(amountMax));
/** 100 gives out what is there, 150 half as much again; whatever is not whole is rounded down. */
const overcommitPct = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000));

const fields = {
  total: v.optional(total),
  heldBack: v.optional(heldBack),
  overcommitPct: v.optional(overcommitPct),
  minUnit: v.optional(amountSchema),
  maxUnit: v.optional(amountSchema),
  step: v.optional(amountSchema),
};

/** How much of one class a node has to give, and by which amounts. */
export const capacityInputSchema = v.strictObject({
  class: classKeySchema,
  total,
  heldBack: v.optional(heldBack, 0),
  overcommitPct: v.optional(overcommitPct, 100),
  minUnit: v.optional(amountSchema, 1),
  maxUnit: v.optional(amountSchema, amountMax),
  step: v.optional(amountSchema, 1),
});
export type CapacityInput = v.InferOutput<typeof capacityInputSchema>;

const offerFields = {
  class: classKeySchema,
  total: countSchema,
  heldBack: countSchema,
  overcommitPct: countSchema,
  minUnit: countSchema,
  maxUnit: countSchema,
  step: countSchema,
  /** What may be given out: (total - heldBack) * overcommitPct / 100, rounded down. */
  cap: countSchema,
};

/** What a node has to give of one class: a part of the node. How much of it is used is none. */
export const offerSchema = v.object(offerFields);

/** What a node has of one class and how much of it is given out. Its version is the node's: only an edit moves it. */
export const capacitySchema = v.object({
  type: v.literal('capacity'),
  nodeId,
  version: versionSchema,
  ...offerFields,
  used: countSchema,
  /** What bookings take whose window has not begun. */
  booked: countSchema,
  /** How far what is used lies over the cap, since it was shrunk. */
  overBy: countSchema,
  free: countSchema,
  /** Moves with every taking and giving back. */
  useVersion: countSchema,
});
export type Capacity = v.InferOutput<typeof capacitySchema>;

/** All that a node has to give, by class. */
export const nodeCapacitiesSchema = v.object({
  nodeId,
  version: versionSchema,
  items: v.array(capacitySchema),
  replayed: v.optional(v.literal(true)),
});
export type NodeCapacities = v.InferOutput<typeof nodeCapacitiesSchema>;

const refuses = ['not-found', 'version-mismatch', 'state-conflict', 'validation-failed'] as const;

export const capacity = {
  list: verb({
    summary: 'What a node has to give of each class.',
    command: v.strictObject({ nodeId }),
    result: nodeCapacitiesSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  get: verb({
    summary: 'What a node has to give of one class.',
    command: v.strictObject({ nodeId, class: classKeySchema }),
    result: capacitySchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  add: verb({
    summary: 'Lets a node give out one more class.',
    command: v.strictObject({ nodeId, version: basedOnVersion, capacity: capacityInputSchema }),
    result: nodeCapacitiesSchema,
    refuses: [...refuses, 'already-exists', 'reference-not-found'],
    idempotent: false,
  }),
  set: verb({
    summary: 'Replaces all that a node offers; what is used of a class keeps it.',
    command: v.strictObject({
      nodeId,
      version: basedOnVersion,
      capacities: v.pipe(v.array(capacityInputSchema), v.maxLength(64)),
    }),
    result: nodeCapacitiesSchema,
    refuses: [...refuses, 'reference-not-found', 'has-dependents'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Changes what the patch names; shrinking below what is used stops growth and nothing else.',
    command: v.strictObject({ nodeId, class: classKeySchema, version: basedOnVersion, patch: v.strictObject(fields) }),
    result: nodeCapacitiesSchema,
    refuses: [...refuses],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Stops offering a class of which nothing is used.',
    command: v.strictObject({ nodeId, class: classKeySchema, version: basedOnVersion }),
    result: nodeCapacitiesSchema,
    refuses: [...refuses, 'has-dependents'],
    idempotent: false,
  }),
} as const;
