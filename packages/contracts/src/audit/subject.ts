import * as v from 'valibot';
import { timeSchema } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';

const erase = verb({
  summary:
    'Makes what records hold of a person unreadable for good, by the loss of its key; again, it changes nothing.',
  command: v.strictObject({ id: idSchema('usr') }),
  result: v.object({
    /** By then the last copy on its way to audit is gone too: the days of the feeds and of their stream are over. */
    completeBy: timeSchema,
  }),
  refuses: ['permission-denied'],
  idempotent: true,
});

export const subjectVerbs = { erase } as const;
