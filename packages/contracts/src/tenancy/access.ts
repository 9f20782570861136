import * as v from 'valibot';
import { accessSnapshotSchema } from '../access.js';
import { countSchema, timeSchema } from '../api/common.js';
import { groupRefSchema, principalTypes, scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { isPermission } from '../permissions.js';
import { issuerSchema, principalIdSchema, subjectTextSchema } from './fields.js';

/** What a caller has shown: the facade has checked a signature, tenancy checks what it stores. */
const credentialSchema = v.variant('type', [
  /** A verified token of a trusted issuer. The user is made on its first visit. */
  v.strictObject({
    type: v.literal('oidc'),
    issuer: issuerSchema,
    subject: subjectTextSchema,
    /** Groups of the token, by name; their issuer is the token's. */
    groups: v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.maxLength(256)),
  }),
  /** An API token as it was read; compared in constant time with what is stored. */
  v.strictObject({
    type: v.literal('token'),
    id: idSchema('tok'),
    /** SHA-256 of the secret, hex. */
    secretSha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')),
    /** Where it came from, kept with the last use. */
    address: v.optional(v.pipe(v.string(), v.maxLength(64))),
  }),
]);
export type Credential = v.InferOutput<typeof credentialSchema>;

export const access = {
  snapshot: verb({
    summary: 'Who a credential stands for, and all that decides what it may do.',
    command: v.strictObject({ credential: credentialSchema }),
    result: v.object({
      principal: v.object({
        id: principalIdSchema,
        type: v.picklist(principalTypes),
        displayName: v.optional(v.string()),
        groups: v.array(groupRefSchema),
        tokenId: v.optional(idSchema('tok')),
      }),
      snapshot: accessSnapshotSchema,
      /** When a grant of the snapshot ends by itself, or the token does: it is not to be used past that. */
      validUntil: v.optional(timeSchema),
    }),
    /** `reason` invalid, expired or revoked. */
    refuses: ['unauthenticated'],
    idempotent: true,
  }),
  epoch: verb({
    summary: 'The count of changes of access so far: one key read, asked before whatever must not act on an old grant.',
    command: v.strictObject({}),
    result: v.object({
      epoch: countSchema,
      /** Live administrators of the platform: with none, only the operator command can make one. */
      administrators: countSchema,
      /** True for 24 h after an administrator was made over the head of those there are. */
      bootstrapOverride: v.boolean(),
    }),
    refuses: [],
    idempotent: true,
  }),
  explain: verb({
    summary: 'Which binding allows, or what is missing or denied.',
    command: v.strictObject({
      principalId: principalIdSchema,
      /** Groups to assume: they come from credentials, so nobody can look them up. */
      groups: v.optional(v.pipe(v.array(groupRefSchema), v.maxLength(64)), []),
      permission: v.pipe(
        v.string(),
        v.maxLength(128),
        v.check((name) => isPermission(name), 'must be a permission like inventory.allocation.create'),
      ),
      scopeId: scopeIdSchema,
    }),
    result: v.object({
      allowed: v.boolean(),
      /** Bindings on the way from the root to the scope that hold the permission. */
      grants: v.array(
        v.object({
          bindingId: idSchema('rbd'),
          scopeId: scopeIdSchema,
          role: v.string(),
          expiresAt: v.optional(timeSchema),
        }),
      ),
      denies: v.array(v.object({ denyRuleId: idSchema('dny'), scopeId: scopeIdSchema })),
      /** Roles that would allow it, and the kinds of scope on the path where they could be bound. */
      wouldAllow: v.array(v.object({ role: v.string(), scopeIds: v.array(scopeIdSchema) })),
      epoch: countSchema,
    }),
    refuses: ['not-found', 'reference-not-found'],
    idempotent: true,
  }),
} as const;
