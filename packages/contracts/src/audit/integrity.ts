import * as v from 'valibot';
import { countSchema, timeSchema } from '../api/common.js';
import { verb } from '../contract.js';

const integritySchema = v.object({
  contexts: v.array(
    v.object({
      context: v.string(),
      /** How many facts of it the last whole count found without all their records. */
      missing: countSchema,
      /** How many it has looked at by now, of a count that is under way. */
      checked: countSchema,
      /** Absent: no count has come to its end yet. */
      finishedAt: v.optional(timeSchema),
    }),
  ),
  /** Records whose month has no partition. */
  stray: countSchema,
});

const get = verb({
  summary: 'What the counts of facts against their records have found.',
  command: v.strictObject({}),
  result: integritySchema,
  refuses: ['permission-denied'],
  idempotent: true,
});

const count = verb({
  summary:
    'Has the facts of all contexts counted against their records at once, instead of at night; asked again it begins anew.',
  command: v.strictObject({}),
  result: integritySchema,
  refuses: ['permission-denied'],
  idempotent: true,
});

export const integrityVerbs = { get, count } as const;
