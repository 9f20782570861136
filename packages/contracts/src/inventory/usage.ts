import * as v from 'valibot';
import { countSchema, versionSchema } from '../api/common.js';
import { scopeIdSchema, verb } from '../contract.js';

/** What of this context keeps a scope from being deleted. */
export const usage = {
  count: verb({
    summary: 'Applies what the caller brings of the scope, then counts what of this context lives in it.',
    command: v.strictObject({ scopeId: scopeIdSchema, version: versionSchema }),
    result: v.object({
      dependents: v.array(v.object({ type: v.string(), count: countSchema, ids: v.array(v.string()) })),
    }),
    refuses: ['permission-denied'],
    idempotent: true,
  }),
} as const;
