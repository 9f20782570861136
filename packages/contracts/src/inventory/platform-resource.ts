import * as v from 'valibot';
import {
  labelsInputSchema,
  labelsSchema,
  nameSchema,
  pageFields,
  pageOf,
  sortOf,
  text,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { attributesSchema, nodeId, tenantId } from './fields.js';

/** What the platform makes for a tenant by a task: nodes of category logical. */
export const platformResourceKinds = ['network', 'machine', 'cluster', 'bucket'] as const;
export const platformResourceKindSchema = v.picklist(platformResourceKinds);

/** It is there from the moment that its making is under way, and until its removal has ended. */
export const platformResourceStates = ['provisioning', 'available', 'removing', 'failed'] as const;

/** What a task is about to make, recorded with what it holds for that. */
export const recordingSchema = v.object({
  nodeId,
  kind: platformResourceKindSchema,
  name: nameSchema,
  labels: v.optional(labelsInputSchema, {}),
  /** As it was asked for: opaque here. */
  wanted: v.optional(attributesSchema, {}),
  /** Resources that it stands on: available now or made by the same task, and not to be removed while it lives. */
  dependsOn: v.optional(v.pipe(v.array(nodeId), v.maxLength(64)), []),
});
export type Recording = v.InferOutput<typeof recordingSchema>;
export const recordingsSchema = v.pipe(v.array(recordingSchema), v.maxLength(64));

export const platformResourceSchema = v.object({
  id: nodeId,
  type: v.literal('platformResource'),
  version: versionSchema,
  kind: platformResourceKindSchema,
  tenantId,
  projectId: v.optional(idSchema('prj')),
  environmentId: idSchema('env'),
  /** Unique among the living of its kind in its environment. */
  name: v.string(),
  labels: labelsSchema,
  state: v.picklist(platformResourceStates),
  wanted: attributesSchema,
  /** What its service has told of it. */
  status: v.optional(attributesSchema),
  /** The task that makes it, or has made it. */
  taskId: idSchema('tsk'),
  /** What it stands on: given back when it is removed. */
  allocationId: idSchema('alc'),
  createdAt: timeSchema,
  updatedAt: timeSchema,
});
export type PlatformResource = v.InferOutput<typeof platformResourceSchema>;

const get = verb({
  summary: 'One living resource of the platform.',
  command: v.strictObject({ id: nodeId }),
  result: platformResourceSchema,
  refuses: ['not-found'],
  idempotent: true,
});

const list = verb({
  summary: 'The living resources of the platform by filter, ordered by id unless told.',
  command: v.strictObject({
    kind: v.optional(platformResourceKindSchema),
    environmentId: v.optional(idSchema('env')),
    projectId: v.optional(idSchema('prj')),
    name: v.optional(text(1, 256)),
    /** Those that stand on this one. */
    dependsOn: v.optional(nodeId),
    /** Those whose id comes after this one. */
    after: v.optional(nodeId),
    state: v.optional(v.pipe(v.array(v.picklist(platformResourceStates)), v.minLength(1))),
    /** The Kubernetes grammar, at most 10 requirements. */
    labelSelector: v.optional(text(1, 1024)),
    sort: sortOf('id', 'id'),
    ...pageFields,
  }),
  result: pageOf(platformResourceSchema),
  refuses: ['invalid-cursor', 'unsupported-filter'],
  idempotent: true,
});

export const platformResource = { get, list } as const;
