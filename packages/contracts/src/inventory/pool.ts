import * as v from 'valibot';
import {
  countSchema,
  labelsInputSchema,
  labelsPatchSchema,
  labelsSchema,
  pageFields,
  pageOf,
  sortOf,
  text,
  timeSchema,
  versionSchema,
} from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { basedOnVersion, nodeId, tenantId } from './fields.js';
import { classKeySchema } from './resource-class.js';

const membersMax = 1024;

/** A node with all that lies in it; one that shares gives of its own to the other members. */
const member = { nodeId, shares: v.optional(v.boolean(), false) };
const membersInput = v.pipe(
  v.array(v.strictObject(member)),
  v.maxLength(membersMax),
  v.check((members) => new Set(members.map((each) => each.nodeId)).size === members.length, 'must name each node once'),
);

/** Nodes that are given out of together. */
export const poolSchema = v.object({
  id: idSchema('pol'),
  type: v.literal('pool'),
  version: versionSchema,
  name: v.string(),
  /** Whose it is; absent where it is the platform's. */
  tenantId: v.optional(tenantId),
  labels: labelsSchema,
  /** Those that the caller sees. */
  members: v.array(v.object({ nodeId, shares: v.boolean() })),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  replayed: v.optional(v.literal(true)),
});
export type Pool = v.InferOutput<typeof poolSchema>;

/** What the members have of a class, all together. */
export const poolCapacitySchema = v.object({
  poolId: idSchema('pol'),
  items: v.array(
    v.object({
      class: classKeySchema,
      /** How many nodes offer it. */
      providers: countSchema,
      cap: countSchema,
      used: countSchema,
      free: countSchema,
      /** The most that one node has left: a larger amount fits nowhere. */
      largestFree: countSchema,
      /** How far what is used lies over caps that were shrunk. */
      overBy: countSchema,
    }),
  ),
});

export const pool = {
  create: verb({
    summary: 'Makes a pool of nodes; its name is claimed within its tenant, or on the platform.',
    command: v.strictObject({
      name: text(1, 128),
      tenantId: v.optional(tenantId),
      labels: v.optional(labelsInputSchema, {}),
      members: v.optional(membersInput, []),
    }),
    result: poolSchema,
    refuses: ['already-exists', 'reference-not-found', 'state-conflict'],
    idempotent: false,
  }),
  amend: verb({
    summary: 'Changes what the patch names; members are a set that replaces the old one.',
    command: v.strictObject({
      id: idSchema('pol'),
      version: basedOnVersion,
      patch: v.strictObject({
        name: v.optional(text(1, 128)),
        labels: v.optional(labelsPatchSchema),
        members: v.optional(membersInput),
      }),
    }),
    result: poolSchema,
    refuses: ['not-found', 'version-mismatch', 'already-exists', 'reference-not-found', 'has-dependents'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends a pool; its members and what was given out of them stay.',
    command: v.strictObject({ id: idSchema('pol'), version: basedOnVersion }),
    result: poolSchema,
    refuses: ['not-found', 'version-mismatch'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One pool.',
    command: v.strictObject({ id: idSchema('pol') }),
    result: poolSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Pools, ordered by id unless told.',
    command: v.strictObject({
      name: v.optional(text(1, 128)),
      nodeId: v.optional(nodeId),
      sort: sortOf('id', 'id', 'name'),
      ...pageFields,
    }),
    result: pageOf(poolSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  capacity: verb({
    summary: 'What the members that the caller sees have of each class, and how much of it is used.',
    command: v.strictObject({ id: idSchema('pol') }),
    result: poolCapacitySchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
} as const;
