import * as v from 'valibot';
import { displayNameSchema, nameSchema, pageFields, pageOf, text, timeInputSchema, timeSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';
import { idSchema } from '../ids.js';
import { personal } from '../personal.js';
import { actorId, basedOnVersion, issuerSchema, replayed, resourceFields, subjectTextSchema } from './fields.js';

export const userStates = ['active', 'disabled', 'erased'] as const;

/** A person as an issuer knows it. Sentral keeps the reference, never an email or a password. */
export const userSchema = v.object({
  id: idSchema('usr'),
  type: v.literal('user'),
  ...resourceFields,
  /** Together with the subject the one key of the principal. */
  issuer: v.optional(personal(v.string())),
  subject: v.optional(personal(v.string())),
  displayName: v.optional(personal(v.string())),
  /** Of whoever was erased nothing is left but the id; somebody whom the issuer vouches for later is a new user. */
  state: v.picklist(userStates),
  replayed,
});
export type User = v.InferOutput<typeof userSchema>;

const userById = v.strictObject({ id: idSchema('usr'), version: basedOnVersion });

export const user = {
  register: verb({
    summary: 'Names a person before it has come, so that it can be granted something.',
    command: v.strictObject({
      issuer: issuerSchema,
      subject: subjectTextSchema,
      displayName: v.optional(displayNameSchema),
    }),
    result: userSchema,
    refuses: ['already-exists'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One user.',
    command: v.strictObject({ id: idSchema('usr') }),
    result: userSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Users, ordered by id.',
    command: v.strictObject({
      issuer: v.optional(issuerSchema),
      subject: v.optional(subjectTextSchema),
      state: v.optional(v.picklist(userStates)),
      ...pageFields,
    }),
    result: pageOf(userSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Changes how a user is called.',
    command: v.strictObject({
      id: idSchema('usr'),
      version: basedOnVersion,
      patch: v.strictObject({ displayName: v.optional(v.nullable(displayNameSchema)) }),
    }),
    result: userSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  disable: verb({
    summary: 'Shuts a user out at once; its bindings stay.',
    command: userById,
    result: userSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict', 'last-administrator'],
    idempotent: false,
  }),
  enable: verb({
    summary: 'Lets a user in again.',
    command: userById,
    result: userSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
  erase: verb({
    summary:
      'Forgets who a user was: only its id is left, nobody comes in by it any more, and bindings that name it grant nothing. Again, it changes nothing.',
    command: userById,
    result: userSchema,
    refuses: ['not-found', 'version-mismatch', 'last-administrator'],
    idempotent: false,
  }),
} as const;

/** A principal without a person. It belongs to a tenant or to the platform, and speaks by API tokens. */
export const serviceAccountSchema = v.object({
  id: idSchema('sac'),
  type: v.literal('serviceAccount'),
  ...resourceFields,
  scopeId: v.union([v.literal('platform'), idSchema('tnt')]),
  tenantId: v.optional(idSchema('tnt')),
  /** Unique in its scope, immutable. */
  name: v.string(),
  displayName: v.optional(v.string()),
  state: v.picklist(['active', 'disabled']),
  replayed,
});
export type ServiceAccount = v.InferOutput<typeof serviceAccountSchema>;

export const serviceAccount = {
  create: verb({
    summary: 'A new service account of a tenant or of the platform.',
    command: v.strictObject({
      scopeId: v.union([v.literal('platform'), idSchema('tnt')]),
      name: nameSchema,
      displayName: v.optional(displayNameSchema),
    }),
    result: serviceAccountSchema,
    refuses: ['not-found', 'already-exists', 'scope-not-active'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One service account.',
    command: v.strictObject({ id: idSchema('sac') }),
    result: serviceAccountSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Service accounts, ordered by id.',
    command: v.strictObject({ scopeId: v.optional(scopeIdSchema), name: v.optional(nameSchema), ...pageFields }),
    result: pageOf(serviceAccountSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  amend: verb({
    summary: 'Changes how it is called, and whether it may speak.',
    command: v.strictObject({
      id: idSchema('sac'),
      version: basedOnVersion,
      patch: v.strictObject({
        displayName: v.optional(v.nullable(displayNameSchema)),
        state: v.optional(v.picklist(['active', 'disabled'])),
      }),
    }),
    result: serviceAccountSchema,
    refuses: ['not-found', 'version-mismatch', 'last-administrator'],
    idempotent: false,
  }),
  remove: verb({
    summary: 'Ends a service account: its tokens are revoked, its bindings removed.',
    command: v.strictObject({ id: idSchema('sac'), version: basedOnVersion }),
    result: serviceAccountSchema,
    /** `permission-denied` when a binding would end with it that the caller could not take back by itself. */
    refuses: ['not-found', 'version-mismatch', 'permission-denied', 'last-administrator'],
    idempotent: false,
  }),
} as const;

/** How long a token may live, and how many of one account at a time. */
export const tokenDaysDefault = 90;
export const tokenDaysMax = 365;
export const liveTokensMax = 2;

export const tokenSchema = v.object({
  id: idSchema('tok'),
  type: v.literal('token'),
  ...resourceFields,
  serviceAccountId: idSchema('sac'),
  name: v.string(),
  /** It may do no more than these; absent: all that its account may. */
  permissions: v.optional(v.array(v.string())),
  /** It may act nowhere else; absent: wherever its account may. */
  scopeId: v.optional(scopeIdSchema),
  state: v.picklist(['live', 'expired', 'revoked']),
  createdBy: actorId,
  expiresAt: timeSchema,
  revokedAt: v.optional(timeSchema),
  /** Coarse: moves in steps of five minutes. */
  lastUsedAt: v.optional(timeSchema),
  /** The whole text, once, in the answer that made it; null when that answer is asked for again. */
  secret: v.optional(v.nullable(v.string())),
  replayed,
});
export type Token = v.InferOutput<typeof tokenSchema>;

const tokenFields = {
  name: text(1, 100),
  /** At most 365 days ahead; absent: 90 days. */
  expiresAt: v.optional(timeInputSchema),
} as const;

export const token = {
  create: verb({
    summary: 'A new API token, shown once.',
    command: v.strictObject({
      serviceAccountId: idSchema('sac'),
      ...tokenFields,
      permissions: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(128))), v.minLength(1), v.maxLength(256))),
      scopeId: v.optional(scopeIdSchema),
    }),
    result: tokenSchema,
    refuses: ['not-found', 'state-conflict', 'reference-not-found', 'permission-denied', 'scope-not-active'],
    idempotent: false,
  }),
  rotate: verb({
    summary: 'A new secret with the same rights; the old one lives on for the overlap.',
    command: v.strictObject({
      id: idSchema('tok'),
      version: basedOnVersion,
      expiresAt: v.optional(timeInputSchema),
      /** Seconds that the old token still works, at most a week. */
      overlapSeconds: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(604_800)), 3600),
    }),
    result: tokenSchema,
    /** `reference-not-found` when the scope that the old one was held to is gone. */
    refuses: ['not-found', 'version-mismatch', 'state-conflict', 'permission-denied', 'reference-not-found'],
    idempotent: false,
  }),
  get: verb({
    summary: 'One token, without its secret.',
    command: v.strictObject({ id: idSchema('tok') }),
    result: tokenSchema,
    refuses: ['not-found'],
    idempotent: true,
  }),
  list: verb({
    summary: 'Tokens of a service account, ordered by id, without their secrets.',
    command: v.strictObject({ serviceAccountId: v.optional(idSchema('sac')), ...pageFields }),
    result: pageOf(tokenSchema),
    refuses: ['invalid-cursor'],
    idempotent: true,
  }),
  revoke: verb({
    summary: 'Ends a token at once.',
    command: v.strictObject({ id: idSchema('tok'), version: basedOnVersion }),
    result: tokenSchema,
    refuses: ['not-found', 'version-mismatch', 'state-conflict'],
    idempotent: false,
  }),
} as const;
