import * as v from 'valibot';
import { countSchema, timeSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { policyValuesSchema } from '../policy.js';
import { scopeUserVerbs, usageNow } from '../shared-verbs.js';

/** What of this context lives in a scope, and how much of what it holds. */
export const usage = {
  ...scopeUserVerbs.usage,
  now: usageNow,
  between: verb({
    summary: 'Use over time: the integral of held amounts per dimension between two instants, whole and per child.',
    command: v.strictObject({
      scopeId: scopeIdSchema,
      /** Included. */
      from: timeSchema,
      /** Excluded; at most 400 days after `from`. The future counts as nothing. */
      to: timeSchema,
    }),
    result: v.object({
      from: timeSchema,
      /** `to`, or the time of the answer when that lies in the future. */
      to: timeSchema,
      items: v.array(
        v.object({
          /** The scope itself, or one of its children. */
          scopeId: scopeIdSchema,
          dimension: v.string(),
          /** Units × seconds: one server for an hour is 3600. A decimal string, milliseconds exact. */
          unitSeconds: v.pipe(v.string(), v.regex(/^\d+(\.\d{1,6})?$/, 'must be a decimal number')),
          /** Units held at `to`. */
          heldAtEnd: countSchema,
        }),
      ),
    }),
    refuses: ['invalid-parameter', 'not-found'],
    idempotent: true,
  }),
} as const;

/** What the policies of this context would say. */
export const policyTrial = {
  list: verb({
    summary: 'What exists now in a scope that these policy values would have refused.',
    command: v.strictObject({
      scopeId: scopeIdSchema,
      /** Policy key → value, as `/policy` folds it. */
      values: policyValuesSchema,
    }),
    result: v.object({
      /** How many things were looked at. */
      examined: countSchema,
      /** There is more than one answer looks at: what is refused is refused at least so often. */
      cut: v.optional(v.literal(true)),
      /** How many would have been refused; the items name up to 100 of them. */
      refused: countSchema,
      items: v.array(
        v.object({ resourceType: v.string(), resourceId: v.string(), key: v.string(), detail: v.string() }),
      ),
    }),
    refuses: ['permission-denied'],
    idempotent: true,
  }),
} as const;
