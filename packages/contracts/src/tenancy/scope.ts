import * as v from 'valibot';
import {
  annotationsInputSchema,
  annotationsPatchSchema,
  annotationsSchema,
  displayNameSchema,
  labelsInputSchema,
  labelsPatchSchema,
  labelsSchema,
  nameSchema,
  pageFields,
  pageOf,
  sortOf,
  reasonSchema,
  text,
  timeInputSchema,
  timeSchema,
} from '../api/common.js';
import { scopeIdSchema, scopeKinds, scopeRowSchema, scopeStates, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion, replayed, resourceFields, subjectInputSchema } from './fields.js';

export const environmentClasses = ['production', 'staging', 'development', 'ephemeral'] as const;

/** For how many days a deleted scope can be restored. */
export const undeleteDays = 30;

export const scopeSchema = v.object({
  id: scopeIdSchema,
  type: v.picklist(scopeKinds),
  ...resourceFields,
  /** Absent for the platform alone. */
  parentId: v.optional(scopeIdSchema),
  tenantId: v.optional(idSchema('tnt')),
  projectId: v.optional(idSchema('prj')),
  /** Unique under its parent until purged, immutable. */
  name: v.string(),
  displayName: v.optional(v.string()),
  labels: labelsSchema,
  annotations: annotationsSchema,
  /** Its own; what counts is the worst on the path. */
  state: v.picklist(scopeStates),
  /** Environments only. */
  class: v.optional(v.picklist(environmentClasses)),
  /** Ephemeral environments only: when it is deleted by itself. */
  expiresAt: v.optional(timeSchema),
  /** Environments only: a protected one cannot be deleted. */
  protected: v.optional(v.boolean()),
  deletedAt: v.optional(timeSchema),
  /** Until then a deleted scope can be restored; then it is gone and its name is free. */
  purgeAt: v.optional(timeSchema),
  replayed,
});
export type Scope = v.InferOutput<typeof scopeSchema>;

const scopeId = scopeIdSchema;

const create = verb({
  summary: 'A new tenant, project or environment, usable at once.',
  command: v.strictObject({
    kind: v.picklist(['tenant', 'project', 'environment']),
    /** The platform for a tenant, a tenant for a project, a project for an environment. */
    parentId: scopeId,
    name: nameSchema,
    displayName: v.optional(displayNameSchema),
    labels: v.optional(labelsInputSchema, {}),
    annotations: v.optional(annotationsInputSchema, {}),
    /** Environments: required there, and nowhere else allowed. */
    class: v.optional(v.picklist(environmentClasses)),
    /** Ephemeral environments: required there, at most a year ahead. */
    expiresAt: v.optional(timeInputSchema),
    protected: v.optional(v.boolean()),
    /** Tenants: their first owner, the one grant inside a tenant that the platform makes. */
    owner: v.optional(subjectInputSchema),
  }),
  result: scopeSchema,
  refuses: [
    'not-found',
    'already-exists',
    'scope-not-active',
    'quota-exceeded',
    'policy-violation',
    'reference-not-found',
  ],
  idempotent: false,
});

const adopt = verb({
  summary: 'The tenant that a source knows by this key: found, or made with the named owner.',
  command: v.strictObject({
    /** Who calls it so: the source of an import. */
    source: text(1, 64),
    externalId: text(1, 512),
    /** Free text of the source; the name is made from it, and made unique. A tenant that is found keeps its own. */
    displayName: displayNameSchema,
    /** What else the source says of a tenant that is made. */
    annotations: v.optional(annotationsInputSchema, {}),
    owner: subjectInputSchema,
    /** False for who may not make tenants: one that is not there is refused. */
    mayMake: v.optional(v.boolean(), true),
  }),
  /** `projection` is the tenant as the projections of other contexts hold it. */
  result: v.object({ scope: scopeSchema, created: v.boolean(), projection: scopeRowSchema, replayed }),
  refuses: ['reference-not-found', 'permission-denied'],
  idempotent: true,
});

const get = verb({
  summary: 'One scope; a deleted one too, until it is purged.',
  command: v.strictObject({ id: scopeId }),
  result: scopeSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const path = verb({
  summary: 'The scope and its ancestors as the projections know them, the platform first, with the state that counts.',
  command: v.strictObject({ id: scopeId }),
  result: v.object({
    rows: v.array(scopeRowSchema),
    /** The worst on the path: active < suspended < deleting < deleted. */
    effectiveState: v.picklist(scopeStates),
  }),
  refuses: ['not-found'],
  idempotent: true,
});

const page = verb({
  summary: 'All scopes by id as the projections know them: first start, repair and nightly check.',
  command: v.strictObject({
    /** Absent: from the first. */
    afterId: v.optional(scopeId),
    limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1000)), 200),
  }),
  result: v.object({ rows: v.array(scopeRowSchema), more: v.boolean() }),
  refuses: ['permission-denied'],
  idempotent: true,
});

const list = verb({
  summary: 'Scopes by filter, ordered by id unless told; deleted ones only when asked for.',
  command: v.strictObject({
    kind: v.picklist(['tenant', 'project', 'environment']),
    parentId: v.optional(scopeId),
    name: v.optional(nameSchema),
    namePrefix: v.optional(text(1, 63)),
    state: v.optional(v.pipe(v.array(v.picklist(scopeStates)), v.minLength(1))),
    class: v.optional(v.pipe(v.array(v.picklist(environmentClasses)), v.minLength(1))),
    labelSelector: v.optional(text(1, 4096)),
    showDeleted: v.optional(v.boolean(), false),
    sort: sortOf('id', 'id', 'name', 'createdAt'),
    ...pageFields,
  }),
  result: pageOf(scopeSchema),
  refuses: ['invalid-cursor', 'unsupported-filter'],
  idempotent: true,
});

const amend = verb({
  summary: 'Changes what may be changed of a scope; its name, kind and place may not.',
  command: v.strictObject({
    id: scopeId,
    version: basedOnVersion,
    patch: v.strictObject({
      displayName: v.optional(v.nullable(displayNameSchema)),
      labels: v.optional(labelsPatchSchema),
      annotations: v.optional(annotationsPatchSchema),
      /** Ephemeral environments only. */
      expiresAt: v.optional(timeInputSchema),
      /** Environments only. */
      protected: v.optional(v.boolean()),
    }),
  }),
  result: scopeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict', 'policy-violation'],
  idempotent: false,
});

const lifecycleCommand = v.strictObject({ id: scopeId, version: basedOnVersion, reason: v.optional(reasonSchema) });

const suspend = verb({
  summary: 'Stops new work in the scope and below: it may read, release and cancel.',
  command: lifecycleCommand,
  result: scopeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

const resume = verb({
  summary: 'Ends a suspension.',
  command: lifecycleCommand,
  result: scopeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict'],
  idempotent: false,
});

const remove = verb({
  summary: 'Deletes the scope softly, when nothing lives in it: decided after every context has counted.',
  command: v.strictObject({ id: scopeId, version: basedOnVersion }),
  result: scopeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict', 'has-dependents', 'blocked-by-hold'],
  idempotent: false,
});

const restore = verb({
  summary: 'Brings a deleted scope back, until it is purged.',
  command: v.strictObject({ id: scopeId, version: basedOnVersion }),
  result: scopeSchema,
  refuses: ['not-found', 'version-mismatch', 'state-conflict', 'scope-not-active', 'quota-exceeded'],
  idempotent: false,
});

export const scope = { create, adopt, get, path, page, list, amend, suspend, resume, remove, restore } as const;
