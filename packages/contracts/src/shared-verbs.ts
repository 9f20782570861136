import * as v from 'valibot';
import { countSchema, pageFields, pageOf, versionSchema } from './api/common.js';
import { scopeIdSchema, verb } from './contract.js';
import { idSchema } from './ids.js';
import { quotaUsesSchema } from './tenancy/quota.js';

const counter = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** One fact of a context, by its dense position: what audit and projections read for gaps, first start and rebuild. */
export const feedItemSchema = v.object({
  pos: counter,
  id: idSchema('evt'),
  /** `<context>.<noun>.<past participle>` */
  type: v.string(),
  recordedAt: v.pipe(v.string(), v.isoTimestamp()),
  resource: v.object({
    /** `<context>.<noun>` */
    type: v.string(),
    id: v.string(),
    version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  }),
  tenantId: v.optional(idSchema('tnt')),
  projectId: v.optional(idSchema('prj')),
  environmentId: v.optional(idSchema('env')),
  /** The public event; null where the fact is nobody else's business. */
  event: v.nullable(v.record(v.string(), v.unknown())),
  /** What audit records; null for a fact that is no change of the resource. */
  audit: v.nullable(v.record(v.string(), v.unknown())),
  traceparent: v.optional(v.string()),
  causation: v.optional(v.string()),
});
export type FeedItem = v.InferOutput<typeof feedItemSchema>;

/** The noun `feed`, the same in every context. */
export const feedVerbs = {
  page: verb({
    summary: 'Facts after a position, in order and without a gap.',
    command: v.strictObject({
      /** 0 begins at the first fact. */
      afterPos: counter,
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1000)), 200),
    }),
    result: v.object({
      items: v.array(feedItemSchema),
      more: v.boolean(),
      /** When the oldest fact was recorded that has no position yet; absent where all have one. */
      unnumberedSince: v.optional(v.pipe(v.string(), v.isoTimestamp())),
    }),
    refuses: ['permission-denied', 'position-expired'],
    idempotent: true,
  }),
  versions: verb({
    summary: 'Every fact that there is, with its version: what audit compares with its records.',
    command: v.strictObject({
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1000)), 500),
      cursor: pageFields.cursor,
    }),
    /** A page may be empty and still have a `nextCursor`. */
    result: pageOf(
      v.object({
        type: v.string(),
        id: v.string(),
        version: versionSchema,
        /** How many records of changes it must have: of most things one for each version; of what came with a release, none of its first. */
        changes: countSchema,
      }),
    ),
    refuses: ['permission-denied', 'invalid-cursor'],
    idempotent: true,
  }),
} as const;

export const invariantSchema = v.object({
  /** `<context>.<noun>.<what holds>` */
  name: v.string(),
  /** What holds, in a sentence. */
  statement: v.string(),
  /** 0 = it holds. */
  violations: counter,
  /** Up to ten ids or names of what breaks it. */
  examples: v.array(v.string()),
  /** Why nobody knows, where it could not be looked up in time: `violations` says nothing then. */
  unknown: v.optional(v.string()),
});
export type Invariant = v.InferOutput<typeof invariantSchema>;

/** What a context may spend on looking up all of its invariants, in milliseconds. */
const lookUpMs = 10_000;

/** Looks up one after another, within bounds: what fails or comes too late is unknown, and keeps no other. */
export async function lookUpInvariants<C extends Pick<Invariant, 'name' | 'statement'>>(
  checks: readonly C[],
  lookUp: (check: C) => Promise<Invariant>,
): Promise<{ items: Invariant[] }> {
  const began = Date.now();
  const items: Invariant[] = [];
  for (const check of checks) {
    const { name, statement } = check;
    const unknown = (why: string): Invariant => ({ name, statement, violations: 0, examples: [], unknown: why });
    items.push(
      Date.now() - began > lookUpMs
        ? unknown('the others took too long')
        : await lookUp(check).catch(() => unknown('it took too long, or failed')),
    );
  }
  return { items };
}

/** The noun `invariant`, the same in every context. */
export const invariantVerbs = {
  list: verb({
    summary: 'What must always hold and no constraint can say, looked up in live data, read only.',
    command: v.strictObject({}),
    result: v.object({ items: v.array(invariantSchema) }),
    refuses: ['permission-denied'],
    idempotent: true,
  }),
} as const;

/** What every context offers in which something may live in a scope: a delete is decided when each of them has counted. */
export const scopeUserVerbs = {
  usage: {
    count: verb({
      summary: 'Applies what the caller brings of the scope, then counts what of this context lives in it.',
      command: v.strictObject({ scopeId: scopeIdSchema, version: versionSchema }),
      result: v.object({
        dependents: v.array(v.object({ type: v.string(), count: countSchema, ids: v.array(v.string()) })),
      }),
      refuses: ['permission-denied'],
      idempotent: true,
    }),
  },
  projection: {
    apply: verb({
      summary: 'Takes in the scope rows that the caller brings where they are newer, and answers when they hold here.',
      command: v.strictObject({}),
      result: v.object({ rows: v.array(v.object({ id: scopeIdSchema, version: versionSchema })) }),
      refuses: ['permission-denied'],
      idempotent: true,
    }),
  },
} as const;

/** What every context offers that counts a dimension of quota. */
export const usageNow = verb({
  summary: 'What a scope uses of each dimension now, with its limits, and where the use sits: per child.',
  command: v.strictObject({ scopeId: scopeIdSchema }),
  result: quotaUsesSchema,
  refuses: ['not-found'],
  idempotent: true,
});
