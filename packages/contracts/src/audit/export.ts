import * as v from 'valibot';
import { countSchema, pageFields, pageOf, text, timeInputSchema, timeSchema } from '../api/common.js';
import { exportFileSchema, exportFormats, fileNameSchema } from '../audit-export.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { actorId, basedOnVersion, replayed, resourceFields } from '../tenancy/fields.js';
import { recordClasses, recordOutcomes } from './record.js';

/** `waiting` until its task has written it; a file of it can be had while it is `ready`, and never again after. */
export const exportStates = ['waiting', 'ready', 'cancelled', 'expired', 'deleted'] as const;

/** Which records of the scope; everything of it without a word. */
export const exportFilterSchema = v.strictObject({
  actorId: v.optional(v.union([idSchema('usr'), idSchema('sac')])),
  /** `<context>.<noun>` */
  resourceType: v.optional(text(1, 64)),
  /** An id of any kind. */
  resourceId: v.optional(text(1, 64)),
  /** What the action begins with. */
  actionPrefix: v.optional(text(1, 128)),
  class: v.optional(v.pipe(v.array(v.picklist(recordClasses)), v.minLength(1), v.maxLength(recordClasses.length))),
  outcome: v.optional(v.pipe(v.array(v.picklist(recordOutcomes)), v.minLength(1), v.maxLength(recordOutcomes.length))),
  policyRelevant: v.optional(v.boolean()),
  requestId: v.optional(idSchema('req')),
  /** By the time in the id, to the millisecond; `from` is within, `to` is not. */
  from: v.optional(timeInputSchema),
  to: v.optional(timeInputSchema),
});

/** What one may hold at most; one that would be larger fails, and leaves nothing. */
export const exportLimits = {
  records: 1_000_000,
  /** Of all its files, packed. */
  bytes: 512 * 1_048_576,
  /** Of one tenant, `waiting` and `ready` together. */
  perTenant: 20,
  /** How long its files are kept once they are there. */
  days: 7,
} as const;

export const auditExportSchema = v.object({
  id: idSchema('exp'),
  type: v.literal('auditExport'),
  ...resourceFields,
  scopeId: scopeIdSchema,
  tenantId: idSchema('tnt'),
  state: v.picklist(exportStates),
  filter: exportFilterSchema,
  format: v.picklist(exportFormats),
  /** With what is sealed beside the records, as far as it was there. */
  personal: v.boolean(),
  createdBy: actorId,
  /** The task that writes it. */
  taskId: idSchema('tsk'),
  /** By now, while it is `waiting`. */
  records: countSchema,
  /** Of all its files. */
  bytes: countSchema,
  /** When its files go; of one that is `waiting`, when it is given up. */
  expiresAt: timeSchema,
  replayed,
});
export type AuditExport = v.InferOutput<typeof auditExportSchema>;

const create = verb({
  summary:
    'Names an export, for the task that will write it: the records of one scope that are on record by then, at most 1,000,000 of them and 512 MiB packed. Idempotent on the task.',
  command: v.strictObject({
    /** The last scope of the caller's path: a tenant, a project or an environment. */
    scopeId: scopeIdSchema,
    taskId: idSchema('tsk'),
    filter: v.optional(exportFilterSchema, {}),
    format: v.optional(v.picklist(exportFormats), 'ndjson'),
    personal: v.optional(v.boolean(), false),
  }),
  result: auditExportSchema,
  refuses: ['not-found', 'invalid-parameter', 'queue-full'],
  idempotent: true,
});

const get = verb({
  summary: 'One export with its files as far as they are written, also when they are gone.',
  command: v.strictObject({ id: idSchema('exp') }),
  result: v.object({ ...auditExportSchema.entries, files: v.array(exportFileSchema) }),
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'Exports that the caller may see, the newest first.',
  command: v.strictObject({
    state: v.optional(v.pipe(v.array(v.picklist(exportStates)), v.minLength(1))),
    ...pageFields,
  }),
  result: pageOf(auditExportSchema),
  refuses: ['invalid-cursor'],
  idempotent: true,
});

const file = verb({
  summary: 'A piece of a file of an export that is ready, of at most 256 KiB.',
  command: v.strictObject({
    id: idSchema('exp'),
    name: fileNameSchema,
    /** Where the piece begins. */
    offset: v.optional(countSchema, 0),
  }),
  result: v.object({
    file: exportFileSchema,
    /** base64 */
    content: v.string(),
    /** Where the next piece begins; absent behind the last. */
    next: v.optional(countSchema),
  }),
  refuses: ['not-found', 'state-conflict'],
  idempotent: true,
});

const remove = verb({
  summary: 'Takes away the files of an export that is ready; of one that waits its task is cancelled instead.',
  command: v.strictObject({ id: idSchema('exp'), version: basedOnVersion }),
  result: auditExportSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

export const exportVerbs = { create, get, list, file, remove } as const;
