import * as v from 'valibot';
import { expect, test } from 'vitest';
import { toOcsf } from '../src/audit/ocsf.js';
import { auditRecordSchema, type AuditRecord } from '../src/audit/record.js';
import { canonicalJson } from '../src/canonical-json.js';

const ulid = '01h455vb4pex5vsknk084sn02q';

// What OCSF 1.3.0 requires of the base event and of the three classes, and what it wants at least one of.
const whole = v.pipe(v.number(), v.safeInteger());
const text = v.pipe(v.string(), v.minLength(1));
const user = v.pipe(
  v.looseObject({ uid: v.optional(text), name: v.optional(text), type_id: v.picklist([0, 1, 2, 3, 99]) }),
  v.check(({ uid, name }) => uid !== undefined || name !== undefined, 'a user has a name or a uid'),
);
const baseEvent = {
  activity_id: whole,
  category_uid: whole,
  class_uid: whole,
  type_uid: whole,
  severity_id: v.picklist([0, 1, 2, 3, 4, 5, 6, 99]),
  status_id: v.picklist([0, 1, 2, 99]),
  time: v.pipe(whole, v.minValue(1_000_000_000_000)),
  metadata: v.looseObject({
    version: v.literal('1.3.0'),
    product: v.looseObject({ name: text, vendor_name: text }),
  }),
  raw_data: text,
};
const classes = v.variant('class_uid', [
  v.looseObject({
    ...baseEvent,
    class_uid: v.literal(6003),
    category_uid: v.literal(6),
    activity_id: v.picklist([1, 2, 3, 4, 99]),
    actor: v.looseObject({ user }),
    api: v.looseObject({ operation: text }),
    src_endpoint: v.looseObject({ name: text }),
  }),
  v.looseObject({
    ...baseEvent,
    class_uid: v.literal(3001),
    category_uid: v.literal(3),
    activity_id: v.picklist([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99]),
    user,
  }),
  v.looseObject({
    ...baseEvent,
    class_uid: v.literal(3002),
    category_uid: v.literal(3),
    activity_id: v.picklist([1, 2, 3, 4, 5, 99]),
    user,
    service: v.looseObject({ name: text }),
  }),
]);

function record(changes: Partial<AuditRecord>): AuditRecord {
  return v.parse(auditRecordSchema, {
    id: `aud_${ulid}`,
    log: `log_${ulid}`,
    seq: 7,
    schema: 1,
    occurredAt: '2026-11-23T09:17:55.123Z',
    recordedAt: '2026-11-23T09:17:56.123Z',
    class: 'change',
    action: 'inventory.node.registered',
    outcome: 'success',
    policyRelevant: false,
    actor: { type: 'user', id: `usr_${ulid}` },
    scope: { tenantId: `tnt_${ulid}` },
    resource: { type: 'inventory.node', id: `nod_${ulid}`, version: 1 },
    request: { id: `req_${ulid}`, operation: 'createNode' },
    ...changes,
  });
}

const binding = { role: 'owner', subject: { type: 'user', id: `usr_${ulid}` } };
const ofBinding = { type: 'tenancy.roleBinding', id: `rbd_${ulid}`, version: 1 };

test.each<[string, Partial<AuditRecord>, number, number]>([
  ['a thing that is made', {}, 6003, 1],
  ['a thing that is changed', { action: 'inventory.node.amended' }, 6003, 3],
  ['a thing that goes', { action: 'inventory.allocation.released' }, 6003, 4],
  [
    'a read that is kept',
    { class: 'read', action: 'listAuditRecords', request: { operation: 'listAuditRecords' } },
    6003,
    2,
  ],
  [
    'a request that was refused',
    {
      class: 'access_denied',
      action: 'deleteNode',
      outcome: 'denied',
      request: { operation: 'deleteNode' },
      problem: { code: 'permission-denied', status: 403 },
      count: 12,
    },
    6003,
    4,
  ],
  [
    'a finding of integrity',
    { class: 'integrity', action: 'audit.completeness.broken', outcome: 'failed', request: {} },
    6003,
    3,
  ],
  [
    'somebody who does not get in',
    { class: 'authn', action: 'authn', outcome: 'denied', actor: { type: 'system', id: 'anonymous' } },
    3002,
    1,
  ],
  [
    'a role that is granted',
    {
      action: 'tenancy.roleBinding.created',
      resource: ofBinding,
      change: { before: null, after: binding, changed: [] },
    },
    3001,
    7,
  ],
  [
    'a role that is taken back',
    {
      action: 'tenancy.roleBinding.removed',
      resource: ofBinding,
      change: { before: binding, after: null, changed: [] },
    },
    3001,
    8,
  ],
  [
    'a person that is shut out',
    { action: 'tenancy.user.disabled', resource: { type: 'tenancy.user', id: `usr_${ulid}`, version: 2 } },
    3001,
    5,
  ],
  [
    'a token of an account',
    {
      action: 'tenancy.token.rotated',
      resource: { type: 'tenancy.token', id: `tok_${ulid}`, version: 2 },
      change: { before: null, after: { serviceAccountId: `sac_${ulid}` }, changed: [] },
    },
    3001,
    99,
  ],
  [
    'a grant of which the account is not told any more',
    { action: 'tenancy.roleBinding.created', resource: ofBinding },
    6003,
    1,
  ],
])('%s has all that its class requires, and the record whole', (_, changes, classUid, activity) => {
  const given = record(changes);
  const event = toOcsf(given);
  expect(v.safeParse(classes, event).issues ?? []).toEqual([]);
  expect(event).toMatchObject({ class_uid: classUid, activity_id: activity, type_uid: classUid * 100 + activity });
  expect(JSON.parse(String(event['raw_data']))).toEqual(JSON.parse(canonicalJson(given)));
});
