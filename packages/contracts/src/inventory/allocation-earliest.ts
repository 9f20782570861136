import * as v from 'valibot';
import { timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { asked, consumerInputSchema, refusesChoosing, refusesTaking } from './allocation.js';

const earliest = verb({
  summary:
    'The earliest start at which all items would be had at once, as they are asked for; nothing is taken. What no time alone would help is refused as a dry run is.',
  command: v.strictObject({
    ...v.omit(v.strictObject(asked), [
      'requestId',
      'consumer',
      'ttlSeconds',
      'maxTtlSeconds',
      'noticeSeconds',
      'onExpiry',
      'labels',
    ]).entries,
    /** Absent: somebody who holds nothing. */
    consumer: v.optional(consumerInputSchema),
  }),
  result: v.object({
    /** Not before the start that was asked for: a window of the same length, and for good where none has an end. It is a fact of this moment. */
    startsAt: timeSchema,
    endsAt: v.optional(timeSchema),
    /** Whether that is the start that was asked for. */
    asAsked: v.boolean(),
  }),
  refuses: [...refusesTaking, ...refusesChoosing],
  idempotent: true,
});

/** A verb of the noun allocation that only asks. */
export const allocationEarliest = { earliest } as const;
