import * as v from 'valibot';
import {
  asOfFields,
  asOfRefuses,
  countSchema,
  labelsInputSchema,
  labelsSchema,
  pageFields,
  pageOf,
  sortOf,
  text,
  timeInputSchema,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { amountSchema } from './capacity.js';
import {
  basedOnVersion,
  cidrSchema,
  hostSchema,
  nodeId,
  numberValueSchema,
  prefixLengthSchema,
  tenantId,
} from './fields.js';
import { placementFields } from './placement.js';
import { recordingsSchema } from './platform-resource.js';
import { classKeySchema } from './resource-class.js';

export const allocationStates = ['booked', 'held', 'active', 'releasing', 'released', 'expired', 'failed'] as const;

/** What a failed node leaves behind at an allocation. */
const allocationFlags = ['resourcesChanged', 'missingResources'] as const;

/** How long what was tried with `dryRun=hold` is kept, in seconds. */
export const triedHoldSeconds = 60;

const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256)), 1);
const placesCount = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(64));
const ttlSeconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(31536000));

const named = [
  v.strictObject({ what: v.literal('node'), nodeId }),
  /** An amount of a class at the node that offers it. */
  v.strictObject({ what: v.literal('capacity'), nodeId, class: classKeySchema, amount: amountSchema }),
  /** The next free number of a range or of all ranges of a domain, or the stated one. */
  v.strictObject({
    what: v.literal('number'),
    domainId: v.optional(idSchema('ndm')),
    rangeId: v.optional(idSchema('rng')),
    number: v.optional(numberValueSchema),
    count,
  }),
  /** The next free address of a block, or the stated one. */
  v.strictObject({ what: v.literal('address'), blockId: idSchema('blk'), address: v.optional(hostSchema), count }),
  /** The next free block of a length inside a block, or the stated one. */
  v.strictObject({
    what: v.literal('block'),
    blockId: idSchema('blk'),
    prefixLength: v.optional(prefixLengthSchema),
    cidr: v.optional(cidrSchema),
    count,
  }),
] as const;

/** One thing, or a count of equal ones, that is named; `what` says which. */
export const allocationRequestItemSchema = v.variant('what', [...named]);

/** The same, or what it must be like: then which one it is is chosen in the transaction that takes it. */
export const allocationSelectingItemSchema = v.variant('what', [
  ...named,
  v.strictObject({
    what: v.literal('place'),
    ...placementFields,
    count: v.optional(placesCount, 1),
    /** So many places are enough where there are not `count`; absent: all of them or nothing. */
    countMin: v.optional(placesCount),
  }),
]);
export type AllocationSelectingItem = v.InferOutput<typeof allocationSelectingItemSchema>;
export type AllocationRequestItem = v.InferOutput<typeof allocationRequestItemSchema>;

/** Who the things are for. The id is the caller's own text, compared byte for byte. */
export const consumerSchema = v.object({ service: text(1, 64), kind: text(1, 64), id: text(1, 256) });
export const consumerInputSchema = v.strictObject({ service: text(1, 64), kind: text(1, 64), id: text(1, 256) });

export const allocationItemSchema = v.object({
  id: idSchema('ali'),
  what: v.picklist(['node', 'capacity', 'number', 'address', 'block', 'rack_units']),
  nodeId: v.optional(nodeId),
  class: v.optional(classKeySchema),
  amount: v.optional(amountSchema),
  domainId: v.optional(idSchema('ndm')),
  number: v.optional(numberValueSchema),
  spaceId: v.optional(idSchema('spc')),
  /** The block that was asked. */
  blockId: v.optional(idSchema('blk')),
  address: v.optional(v.string()),
  /** The block that was given, and its prefix. */
  takenBlockId: v.optional(idSchema('blk')),
  cidr: v.optional(cidrSchema),
  /** Larger than every earlier one for this thing; goes on every message about it. */
  fence: countSchema,
  releasedAt: v.optional(timeSchema),
});

export const allocationSchema = v.object({
  id: idSchema('alc'),
  type: v.literal('allocation'),
  version: versionSchema,
  tenantId,
  projectId: v.optional(idSchema('prj')),
  environmentId: idSchema('env'),
  requestId: v.string(),
  state: v.picklist(allocationStates),
  consumer: consumerSchema,
  items: v.array(allocationItemSchema),
  ttlSeconds: v.optional(ttlSeconds),
  maxTtlSeconds: v.optional(ttlSeconds),
  onExpiry: v.picklist(['release', 'quarantine', 'notify']),
  /** Which state of the policies it was judged by. */
  policyVersion: v.optional(countSchema),
  /** The task that it is held for: without an end, and changed by that task alone until it is active. */
  boundTaskId: v.optional(idSchema('tsk')),
  startsAt: timeSchema,
  /** When a hold runs out unless it is renewed or confirmed. */
  expiresAt: v.optional(timeSchema),
  /** When it ends by itself, as it was asked for. */
  endsAt: v.optional(timeSchema),
  /** When it is, or was, told that it ends, and whether it has been. */
  noticeSeconds: v.optional(ttlSeconds),
  noticeAt: v.optional(timeSchema),
  noticedAt: v.optional(timeSchema),
  /** Of a booking that could not begin: what it was refused with. */
  failure: v.optional(v.object({ code: v.string(), detail: v.optional(v.string()) })),
  /** What became of it when a node failed: things were moved elsewhere, or given back since nothing else fits. */
  flags: v.optional(v.array(v.picklist(allocationFlags))),
  labels: labelsSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
  endedAt: v.optional(timeSchema),
  /** Present when this is the stored answer to an earlier request under the same idempotency key. */
  replayed: v.optional(v.literal(true)),
});
export type Allocation = v.InferOutput<typeof allocationSchema>;

/** What is asked for. */
export const asked = {
  environmentId: idSchema('env'),
  /** Unique per tenant: the same one answers with the same allocation. Absent: minted. */
  requestId: v.optional(text(1, 128)),
  consumer: consumerInputSchema,
  items: v.pipe(v.array(allocationSelectingItemSchema), v.minLength(1), v.maxLength(64)),
  /** A hold, to be renewed or confirmed; not together with a window. */
  ttlSeconds: v.optional(ttlSeconds),
  maxTtlSeconds: v.optional(ttlSeconds),
  /**
   * The window of a booking, [startsAt, endsAt): it ends by itself, and needs no confirmation. Absent or within the minute that
   * runs, it starts now; without an end it is for good. Earlier is bad.
   */
  startsAt: v.optional(timeInputSchema),
  endsAt: v.optional(timeInputSchema),
  /** How long before endsAt it is told that it ends (`allocation.announced`); at its start where it is shorter. */
  noticeSeconds: v.optional(ttlSeconds),
  onExpiry: v.optional(v.picklist(['release', 'quarantine', 'notify']), 'release'),
  labels: v.optional(labelsInputSchema, {}),
};

/** What taking anything may be refused with. */
export const refusesTaking = [
  'reference-not-found',
  'scope-not-active',
  'version-mismatch',
  'already-exists',
  'allocation-conflict',
  'capacity-exhausted',
  'class-not-offered',
  'amount-not-allowed',
  'state-conflict',
  'topology-violation',
  'dependency-blocked',
  'quota-exceeded',
  'policy-violation',
] as const;

/** And what choosing may be refused with. */
export const refusesChoosing = ['validation-failed', 'unsupported-filter'] as const;

const reserve = verb({
  summary: 'Takes all items or none: held with a TTL, active at once without one; idempotent on requestId.',
  command: v.strictObject({
    ...asked,
    /** What the caller believes the consumer holds: 0 is nothing. */
    version: basedOnVersion,
    /** Judged as asked, and then kept as a reservation of at most triedHoldSeconds, to be confirmed or left to run out. */
    hold: v.optional(v.literal(true)),
  }),
  result: allocationSchema,
  refuses: [...refusesTaking, ...refusesChoosing],
  idempotent: false,
});

/** What counts from now on: another set of things, another window, or both. */
const replacing = {
  id: idSchema('alc'),
  version: basedOnVersion,
  /**
   * The whole set, named or described as for a new one; an empty one gives everything back. Absent: as it is. What it holds and a
   * description still fits is kept rather than exchanged for the like of it.
   */
  items: v.optional(v.pipe(v.array(allocationSelectingItemSchema), v.maxLength(64))),
  /** Of what has begun the start stays. */
  startsAt: v.optional(timeInputSchema),
  /** Null: for good. */
  endsAt: v.optional(v.nullable(timeInputSchema)),
  noticeSeconds: v.optional(v.nullable(ttlSeconds)),
};

const replace = verb({
  summary:
    'Another set of things, or another window, counts instead of the old one; what is in both stays, and nobody sees a moment between.',
  command: v.strictObject(replacing),
  result: allocationSchema,
  refuses: [...refusesTaking, ...refusesChoosing, 'not-found', 'lease-expired', 'has-dependents'],
  idempotent: false,
});

const batch = verb({
  summary: 'Creates, replaces and gives back for several holders, all or nothing; a refusal carries operationIndex.',
  command: v.strictObject({
    operations: v.pipe(
      v.array(
        v.variant('op', [
          v.strictObject({ op: v.literal('create'), ...asked }),
          v.strictObject({ op: v.literal('replace'), ...replacing }),
          v.strictObject({ op: v.literal('release'), id: idSchema('alc'), version: basedOnVersion }),
        ]),
      ),
      v.minLength(1),
      v.maxLength(100),
    ),
    /** Judged as asked, and then what is created is kept as with reserve; nothing else can be held. */
    hold: v.optional(v.literal(true)),
  }),
  result: v.object({
    /** As they are now, in the order of the operations. */
    items: v.array(allocationSchema),
    replayed: v.optional(v.literal(true)),
  }),
  refuses: [...refusesTaking, ...refusesChoosing, 'not-found', 'lease-expired', 'has-dependents'],
  idempotent: false,
});

const bind = verb({
  summary:
    'Ties what was reserved for a task to it: no TTL runs out while the task waits. Its consumer is the task. What the task makes of it is recorded in the same moment.',
  command: v.strictObject({
    tenantId,
    taskId: idSchema('tsk'),
    /** Recorded once, in the environment of the allocation; each lives as long as the making or the allocation does. */
    records: v.optional(recordingsSchema, []),
  }),
  result: allocationSchema,
  refuses: ['not-found', 'lease-expired', 'state-conflict', 'already-exists', 'reference-not-found'],
  idempotent: true,
});

const confirm = verb({
  summary: 'Turns a reservation into an allocation; nothing is copied, so there is no window.',
  command: v.strictObject({ id: idSchema('alc'), version: basedOnVersion }),
  result: allocationSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict', 'lease-expired', 'scope-not-active', 'policy-violation'],
  idempotent: true,
});

const renew = verb({
  summary: 'A new expiry within maxTtlSeconds of the start.',
  command: v.strictObject({ id: idSchema('alc'), ttlSeconds: v.optional(ttlSeconds), version: basedOnVersion }),
  result: allocationSchema,
  refuses: [
    'not-found',
    'version-mismatch',
    'state-conflict',
    'lease-expired',
    'amount-not-allowed',
    'scope-not-active',
    'policy-violation',
  ],
  idempotent: false,
});

const release = verb({
  summary: 'Ends every item once; on one that has ended it is not-found.',
  command: v.strictObject({
    id: idSchema('alc'),
    version: basedOnVersion,
    /** The highest fence the caller was given; an older one than the current is refused. */
    fence: v.optional(countSchema),
  }),
  result: allocationSchema,
  refuses: ['not-found', 'version-mismatch', 'fence-stale', 'state-conflict', 'has-dependents'],
  idempotent: false,
});

const get = verb({
  summary: 'One allocation; past its expiry it is shown as expired.',
  command: v.strictObject({ id: idSchema('alc'), ...asOfFields }),
  result: allocationSchema,
  refuses: ['not-found', ...asOfRefuses],
  idempotent: true,
});

const list = verb({
  summary: 'Allocations by filter, ordered by id; what another tenant holds does not exist.',
  command: v.strictObject({
    environmentId: v.optional(idSchema('env')),
    projectId: v.optional(idSchema('prj')),
    consumerService: v.optional(text(1, 64)),
    consumerKind: v.optional(text(1, 64)),
    consumerId: v.optional(text(1, 256)),
    state: v.optional(v.pipe(v.array(v.picklist(allocationStates)), v.minLength(1))),
    /** By a thing that one of their items is or was; as of an instant, or where only states of the living are asked for, that it holds. All that are named are one item's. */
    nodeId: v.optional(nodeId),
    domainId: v.optional(idSchema('ndm')),
    number: v.optional(numberValueSchema),
    spaceId: v.optional(idSchema('spc')),
    address: v.optional(hostSchema),
    /** The block that was given. */
    blockId: v.optional(idSchema('blk')),
    ...asOfFields,
    sort: sortOf('id', 'id', 'createdAt'),
    ...pageFields,
  }),
  result: pageOf(allocationSchema),
  refuses: ['invalid-cursor', ...asOfRefuses],
  idempotent: true,
});

export const allocation = { reserve, bind, replace, batch, confirm, renew, release, get, list } as const;
