import * as v from 'valibot';
import { countSchema, text } from '../api/common.js';
import { verb } from '../contract.js';
import { cloudEventSchema } from '../events.js';
import { idSchema } from '../ids.js';

/** The public events of one log, in its order: what `/v1/events` is read from, and nothing else. */
const page = verb({
  summary:
    'Public events of a tenant’s log, or of the platform’s, after a place in it, within the scope that is named.',
  command: v.strictObject({
    tenantId: v.optional(idSchema('tnt')),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
    /** The place of the last record that was examined; -1 begins with the first, and without one there is only the end. */
    afterSeq: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(-1))),
    /** `inventory.allocation.held`, or the whole type of the CloudEvent. */
    types: v.optional(v.pipe(v.array(text(1, 128)), v.minLength(1), v.maxLength(64))),
    /** How many records are examined, at most. */
    limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(500)), 200),
  }),
  result: v.object({
    /** Absent while nothing of the tenant is on record. */
    logId: v.optional(idSchema('log')),
    items: v.array(v.object({ seq: countSchema, event: cloudEventSchema })),
    /** The place of the last record that was examined. */
    examined: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
    /** There are more records right now. */
    more: v.boolean(),
  }),
  refuses: ['not-found', 'position-expired'],
  idempotent: true,
});

export const eventVerbs = { page } as const;
