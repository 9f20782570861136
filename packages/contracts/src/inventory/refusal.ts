import * as v from 'valibot';
import { countSchema, pageFields, pageOf, text, timeSchema } from '../api/common.js';
import { principalTypes, scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { tenantId } from './fields.js';

/** How long a refusal can be read, in seconds. */
export const refusalKeptSeconds = 86_400;

/** How many refusals of one principal are explained and kept in a second; more are told their problem alone. */
export const refusalsPerSecondMax = 10;

/**
 * What a candidate is held to, in the order of the waterfall. Later versions may name others.
 * - `class` the provider offers the resource class; `unit` its smallest and largest amount and its step; `service` it is in
 *   service, available and given out in this way
 * - `value` a stated value is one that the pool gives; `held` nobody has it; `resting` its cool-down is over
 * - `capacity` enough of the amount is left
 * - `policy` the policies on the path allow it; `quota` the limits on the path do
 */
export const refusalFilters = [
  'class',
  'unit',
  'service',
  'value',
  'held',
  'resting',
  'capacity',
  'policy',
  'quota',
] as const;
export type RefusalFilter = (typeof refusalFilters)[number];

const filter = text(1, 64);
/** An amount; what is left of a provider that the caller does not see is rounded down to one digit. */
const amount = v.optional(countSchema);

/** What one candidate lacks at one filter. */
export const shortfallSchema = v.object({
  filter,
  requested: amount,
  available: amount,
  /** Of `unit`: the rule that is broken, and its bound. */
  rule: v.optional(v.picklist(['min', 'max', 'step'])),
  bound: amount,
  /** Of `service`: what it is, in the place of what would do. */
  state: v.optional(v.string()),
  allowedStates: v.optional(v.array(v.string())),
  /** Of `policy`: the key and the binding. */
  key: v.optional(v.string()),
  binding: v.optional(v.string()),
  /** Of `quota`: the dimension, its limit and what is used of it. */
  dimension: v.optional(v.string()),
  limit: amount,
  used: amount,
  /** Of `policy` and `quota`: where it is set. */
  scopeId: v.optional(scopeIdSchema),
  /** When what holds it runs out. */
  until: v.optional(timeSchema),
});
export type Shortfall = v.InferOutput<typeof shortfallSchema>;

const candidateSchema = v.object({
  providerId: v.string(),
  value: v.optional(v.union([v.number(), v.string()])),
  fails: v.array(shortfallSchema),
});

/** An item of the request that is not given: what it could be given from, and where it ended. */
export const blockedItemSchema = v.object({
  /** Which operation of a batch, the first being 0. */
  operationIndex: v.optional(countSchema),
  /** Its place among the items of the request. */
  item: countSchema,
  /** The pool or provider that was asked; absent where it is described: then candidates are hosts, and filters those of a placement. */
  providerId: v.optional(v.string()),
  /** How many candidates it wants. */
  needed: countSchema,
  /** Providers that may give an amount, or values of a pool; a pool that the caller does not see is one. */
  candidates: countSchema,
  /** How many are left after each filter that applies. */
  waterfall: v.array(v.object({ filter, remaining: countSchema })),
  /** How many would pass if that filter alone were lifted; only filters that would then let the item through. */
  soleBlockers: v.array(v.object({ filter, passing: countSchema })),
  /** The candidates that fail least, at most three. */
  nearestMisses: v.array(candidateSchema),
});

/** What would let the request through, as far as the caller may see. */
export const unblockSchema = v.variant('type', [
  /** These give back enough. */
  v.object({ type: v.literal('release'), filter, allocationIds: v.array(idSchema('alc')) }),
  /** Enough has run out and rested by then, if nobody prolongs it. */
  v.object({ type: v.literal('wait'), filter, until: timeSchema }),
  v.object({ type: v.literal('quota'), scopeId: scopeIdSchema, dimension: v.string(), by: countSchema }),
  v.object({
    type: v.literal('policy'),
    scopeId: scopeIdSchema,
    key: v.string(),
    binding: v.optional(idSchema('plb')),
  }),
]);

/** Why a request is refused. It counts only what the caller may see. */
export const explanationSchema = v.object({
  /** The items that are not given, in the order of the request. None: what was in the way is gone by now, so ask again. */
  items: v.array(blockedItemSchema),
  /** Filters each of which stands alone in the way of the whole request: with it lifted the same request succeeds. */
  soleBlockers: v.array(filter),
  unblock: v.array(unblockSchema),
  /**
   * The earliest start, not before the one that was asked for, at which all of it fits for as long as it was asked for, as things
   * are held and booked. Absent: something else is in the way, nothing ends, or the caller does not see what it would be told of.
   */
  earliestAt: v.optional(timeSchema),
});
export type Explanation = v.InferOutput<typeof explanationSchema>;

export const refusalSchema = v.object({
  id: idSchema('rfs'),
  type: v.literal('refusal'),
  tenantId,
  projectId: v.optional(idSchema('prj')),
  environmentId: idSchema('env'),
  principal: v.object({ id: v.string(), type: v.picklist(principalTypes) }),
  /** The problem as it was told; who sees less than whom it was told to is shown code, status and title alone. */
  problem: v.looseObject({ code: v.string(), status: v.number(), title: v.string() }),
  /** Absent for who sees less than whom it was told to. */
  explanation: v.optional(explanationSchema),
  createdAt: timeSchema,
  expiresAt: timeSchema,
});
export type Refusal = v.InferOutput<typeof refusalSchema>;

const get = verb({
  summary: 'One refusal of an allocation, while it is kept: a day.',
  command: v.strictObject({ id: idSchema('rfs') }),
  result: refusalSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Refusals of the last day, ordered by id.',
  command: v.strictObject({ environmentId: v.optional(idSchema('env')), ...pageFields }),
  result: pageOf(refusalSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

export const refusal = { get, list } as const;
