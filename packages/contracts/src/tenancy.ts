import * as v from 'valibot';
import { defineContract, platformScopeUuid, scopeIdSchema, scopeKinds, scopeStates, verb } from './contract.js';
import { encodeId, idSchema } from './ids.js';
import { feedVerbs, invariantVerbs } from './shared-verbs.js';

/** The seeded scopes as tenancy's first migration writes them; the ids are the same in every installation. */
export const defaultScopeUuids = {
  platform: platformScopeUuid,
  tenant: '00000000-0000-7000-8000-000000000001',
  project: '00000000-0000-7000-8000-000000000002',
  environment: '00000000-0000-7000-8000-000000000003',
} as const;
export const defaultTenantId = encodeId('tnt', defaultScopeUuids.tenant);
export const defaultProjectId = encodeId('prj', defaultScopeUuids.project);
export const defaultEnvironmentId = encodeId('env', defaultScopeUuids.environment);

export const environmentClasses = ['production', 'staging', 'development', 'ephemeral'] as const;

const time = v.pipe(v.string(), v.isoTimestamp());
const text = v.record(v.string(), v.string());

export const scopeSchema = v.object({
  id: scopeIdSchema,
  kind: v.picklist(scopeKinds),
  /** Null for the platform alone. */
  parentId: v.nullable(scopeIdSchema),
  tenantId: v.nullable(idSchema('tnt')),
  projectId: v.nullable(idSchema('prj')),
  /** Unique under its parent, immutable. */
  name: v.string(),
  displayName: v.optional(v.string()),
  labels: text,
  annotations: text,
  /** Its own; what counts is the worst on the path. */
  state: v.picklist(scopeStates),
  /** Environments only. */
  class: v.optional(v.picklist(environmentClasses)),
  /** Ephemeral environments only. */
  expiresAt: v.optional(time),
  protected: v.boolean(),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  createdAt: time,
  updatedAt: time,
  deletedAt: v.optional(time),
  purgeAt: v.optional(time),
});
export type Scope = v.InferOutput<typeof scopeSchema>;

/** What tenancy offers the others so far. */
export const tenancy = defineContract({
  context: 'tenancy',
  nouns: {
    scope: {
      get: verb({
        summary: 'One scope.',
        command: v.strictObject({ id: scopeIdSchema }),
        result: scopeSchema,
        refuses: ['not-found'],
        idempotent: true,
      }),
      path: verb({
        summary: 'The scope and its ancestors, the platform first, with the state that counts.',
        command: v.strictObject({ id: scopeIdSchema }),
        result: v.object({
          items: v.array(scopeSchema),
          /** The worst on the path: active < suspended < deleting < deleted. */
          effectiveState: v.picklist(scopeStates),
        }),
        refuses: ['not-found'],
        idempotent: true,
      }),
      page: verb({
        summary: 'All scopes by id: first start, repair and nightly check of the projections.',
        command: v.strictObject({
          /** Absent: from the first. */
          afterId: v.optional(scopeIdSchema),
          limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1000)), 200),
        }),
        result: v.object({ items: v.array(scopeSchema), more: v.boolean() }),
        refuses: [],
        idempotent: true,
      }),
    },
    feed: feedVerbs,
    invariant: invariantVerbs,
  },
});
