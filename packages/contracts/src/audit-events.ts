import { auditRecordSchema } from './audit/record.js';
import { defineEvents } from './events.js';

/** Where appended records go on the bus, in the order of each log: `data.log` and `data.seq` say whether one is missing. */
export const recordAppendedSubject = 'dv.aud.v1.record.appended';

/** What audit says publicly. It has a stream of its own, DV_AUD: whoever reads the events of the other contexts need not read audit. */
export const auditEvents = defineEvents({
  context: 'audit',
  events: {
    'record.appended': {
      summary: 'A record was put at the end of its log.',
      data: auditRecordSchema,
      subject: recordAppendedSubject,
    },
  },
});
