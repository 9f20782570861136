import * as v from 'valibot';
import { eventVerbs } from './audit/event.js';
import { exportVerbs } from './audit/export.js';
import { integrityVerbs } from './audit/integrity.js';
import { legalHoldVerbs } from './audit/legal-hold.js';
import { logVerbs } from './audit/log.js';
import { recordVerbs } from './audit/record.js';
import { requestVerbs } from './audit/request.js';
import { subjectVerbs } from './audit/subject.js';
import { defineContract, verb } from './contract.js';
import { feedVerbs, invariantVerbs } from './shared-verbs.js';

const confirmed = verb({
  summary: 'How far the feed of a context is on record; 0 when nothing of it is.',
  command: v.strictObject({
    /** `inventory` */
    producer: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,40}$/, 'must be the name of a context')),
  }),
  result: v.object({
    pos: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    /** Why it goes no further for now; absent while it does. */
    stopped: v.optional(v.string()),
  }),
  refuses: ['permission-denied'],
  idempotent: true,
});

/** What the audit context offers the others. */
export const audit = defineContract({
  context: 'audit',
  nouns: {
    record: recordVerbs,
    log: logVerbs,
    request: requestVerbs,
    subject: subjectVerbs,
    event: eventVerbs,
    legalHold: legalHoldVerbs,
    export: exportVerbs,
    integrity: integrityVerbs,
    feed: { ...feedVerbs, confirmed },
    invariant: invariantVerbs,
  },
});
