import * as v from 'valibot';
import { timeSchema, versionSchema } from '../api/common.js';
import { idSchema } from '../ids.js';

/** What every resource of tenancy shows besides its own fields. */
export const resourceFields = {
  version: versionSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
} as const;

/** The version that a change is based on; absent when the caller does not care. */
export const basedOnVersion = v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

/** Who made it: usr_… or sac_…, or the name of a loop. */
export const actorId = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** A stored answer says so, and the facade turns it into a header. */
export const replayed = v.optional(v.literal(true));

/** A principal of either kind. */
export const principalIdSchema = v.union([idSchema('usr'), idSchema('sac')]);

/** Whom a binding or a deny rule is about. A group is a name that an issuer's tokens carry. */
export const subjectSchema = v.variant('type', [
  v.object({ type: v.literal('user'), id: idSchema('usr') }),
  v.object({ type: v.literal('serviceAccount'), id: idSchema('sac') }),
  v.object({ type: v.literal('group'), issuer: v.string(), name: v.string() }),
]);
export type Subject = v.InferOutput<typeof subjectSchema>;

export const issuerSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
export const subjectTextSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

export const subjectInputSchema = v.variant('type', [
  v.strictObject({ type: v.literal('user'), id: idSchema('usr') }),
  v.strictObject({ type: v.literal('serviceAccount'), id: idSchema('sac') }),
  v.strictObject({ type: v.literal('group'), issuer: issuerSchema, name: subjectTextSchema }),
]);
