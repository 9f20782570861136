import * as v from 'valibot';
import {
  countSchema,
  pageFields,
  pageOf,
  reasonSchema,
  sortOf,
  text,
  timeInputSchema,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { replayed } from '../tenancy/fields.js';

export const recordClasses = ['change', 'access_denied', 'authn', 'read', 'system', 'integrity'] as const;
export const recordOutcomes = ['success', 'denied', 'failed', 'unknown'] as const;

/** Whom it is said of: the one who acted, or the resource where that is a person. */
export const sealedParts = ['actor', 'resource'] as const;

/** A SHA-256 in standard base64, as checkpoints write it. */
export const hashSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64'));

/**
 * What a log holds of one fact. The leaf of its tree is the hash of the whole object in canonical JSON, so a reader keeps fields that it does not
 * know: without them nothing verifies.
 */
export const auditRecordSchema = v.looseObject({
  id: idSchema('aud'),
  log: idSchema('log'),
  /** Its place in the log, from 0: the index of its leaf. */
  seq: countSchema,
  schema: v.literal(1),
  occurredAt: timeSchema,
  recordedAt: timeSchema,
  class: v.picklist(recordClasses),
  /** Of a change `<context>.<noun>.<past participle>`, otherwise the operation that was asked for. */
  action: v.string(),
  outcome: v.picklist(recordOutcomes),
  /** Kept seven years: who may do what, and the life of scopes. */
  policyRelevant: v.boolean(),
  actor: v.looseObject({ type: v.string(), id: v.string(), credentialId: v.optional(v.string()) }),
  scope: v.looseObject({
    tenantId: v.optional(idSchema('tnt')),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
  }),
  resource: v.optional(
    v.looseObject({ type: v.string(), id: v.optional(v.string()), version: v.optional(versionSchema) }),
  ),
  request: v.looseObject({
    id: v.optional(idSchema('req')),
    traceId: v.optional(v.string()),
    /** The operationId of the API. */
    operation: v.optional(v.string()),
    idempotencyKeyHash: v.optional(v.string()),
    /** Exactly one record of a request that had effects has it. */
    primary: v.optional(v.literal(true)),
    causation: v.optional(v.string()),
  }),
  /** Why it was allowed, or not. */
  authorization: v.optional(
    v.looseObject({
      accessEpoch: v.optional(countSchema),
      permission: v.optional(v.string()),
      decision: v.optional(v.picklist(['allow', 'deny'])),
      /** The binding that granted it. */
      via: v.optional(v.string()),
      deniedBy: v.optional(v.string()),
      /** The policy clock of the scopes that it was decided in. */
      policyVersion: v.optional(countSchema),
      /** Policies in mode `audit` that it violated. */
      auditOnly: v.optional(v.array(v.looseObject({}))),
    }),
  ),
  /** A state of more than 32 KiB stands as its digest and size. */
  change: v.optional(v.looseObject({ before: v.unknown(), after: v.unknown(), changed: v.array(v.string()) })),
  problem: v.optional(v.looseObject({ code: v.string(), status: v.number() })),
  /** How many alike this one stands for, where they are counted within a minute. */
  count: v.optional(countSchema),
  reason: v.optional(v.string()),
  /** What lies beside the record, readable to few and not for ever: a digest of it stands here, so that the leaf holds without it. */
  sealed: v.optional(
    v.array(v.looseObject({ of: v.picklist(sealedParts), alg: v.literal('hmac-sha256'), digest: v.string() })),
  ),
});
export type AuditRecord = v.InferOutput<typeof auditRecordSchema>;

const list = verb({
  summary:
    'Records that the caller may see, the newest first unless told. Without a log, a resource, an actor, a request or a beginning only those of the last 24 hours.',
  command: v.strictObject({
    logId: v.optional(idSchema('log')),
    tenantId: v.optional(idSchema('tnt')),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
    actorId: v.optional(v.union([idSchema('usr'), idSchema('sac')])),
    /** `<context>.<noun>` */
    resourceType: v.optional(text(1, 64)),
    /** An id of any kind. */
    resourceId: v.optional(text(1, 64)),
    /** What the action begins with. */
    actionPrefix: v.optional(text(1, 128)),
    class: v.optional(v.pipe(v.array(v.picklist(recordClasses)), v.minLength(1))),
    outcome: v.optional(v.pipe(v.array(v.picklist(recordOutcomes)), v.minLength(1))),
    policyRelevant: v.optional(v.boolean()),
    requestId: v.optional(idSchema('req')),
    /** By the time in the id, to the millisecond; `from` is within, `to` is not. */
    from: v.optional(timeInputSchema),
    to: v.optional(timeInputSchema),
    /** `seq` is the order of one log, and needs its id. */
    sort: sortOf('-id', 'id', 'seq'),
    ...pageFields,
  }),
  result: pageOf(auditRecordSchema),
  refuses: ['invalid-cursor', 'invalid-parameter', 'unsupported-filter'],
  idempotent: true,
});

const get = verb({
  summary: 'One record.',
  command: v.strictObject({ id: idSchema('aud') }),
  result: auditRecordSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const proof = verb({
  summary: 'What shows that a record stands in the tree of its log (RFC 6962 2.1.1); /audit-proof verifies it.',
  command: v.strictObject({
    id: idSchema('aud'),
    /** Of the tree that it is shown to stand in; the whole log unless told. */
    treeSize: v.optional(countSchema),
  }),
  result: v.object({
    id: idSchema('aud'),
    logId: idSchema('log'),
    index: countSchema,
    treeSize: countSchema,
    leaf: hashSchema,
    root: hashSchema,
    hashes: v.array(hashSchema),
  }),
  refuses: ['not-found', 'invalid-parameter'],
  idempotent: true,
});

/** One part of what is sealed beside a record. */
export const personalPartSchema = v.object({
  of: v.picklist(sealedParts),
  /** As in the record; /audit-seal computes it from salt and fields. */
  digest: v.string(),
  /** `redacted`: taken away with a reason. `erased`: the person whom it is about was. `damaged`: it does not open, and is not what was sealed. */
  state: v.picklist(['shown', 'redacted', 'erased', 'damaged']),
  /** base64url */
  salt: v.optional(v.string()),
  fields: v.optional(v.record(v.string(), v.unknown())),
});

const personal = verb({
  summary:
    'What is sealed beside a record: who acted and where from, and what was said of the person that it is about.',
  command: v.strictObject({ id: idSchema('aud') }),
  result: v.object({
    id: idSchema('aud'),
    parts: v.array(personalPartSchema),
  }),
  refuses: ['not-found'],
  idempotent: true,
});

const redact = verb({
  summary: 'Takes away what is sealed beside a record, for good; that it was, by whom and why goes on record.',
  command: v.strictObject({ id: idSchema('aud'), reason: reasonSchema }),
  result: v.object({
    id: idSchema('aud'),
    /** The record of it. */
    redaction: idSchema('aud'),
    replayed,
  }),
  refuses: ['not-found', 'state-conflict'],
  idempotent: false,
});

export const recordVerbs = { list, get, proof, personal, redact } as const;
