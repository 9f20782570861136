import * as v from 'valibot';
import { countSchema, text } from '../api/common.js';
import { verb } from '../contract.js';
import { idSchema } from '../ids.js';

/** What the facade says of a request that changed nothing and is on record all the same: refused, failed, or a read that is kept. */
export const report = verb({
  summary: 'Puts a request that changed nothing on record, as the caller’s; it is there when this answers.',
  command: v.strictObject({
    class: v.picklist(['access_denied', 'authn', 'read', 'change']),
    outcome: v.picklist(['success', 'denied', 'failed', 'unknown']),
    /** In whose log: the platform’s without a tenant. */
    tenantId: v.optional(idSchema('tnt')),
    projectId: v.optional(idSchema('prj')),
    environmentId: v.optional(idSchema('env')),
    resource: v.optional(v.strictObject({ type: text(1, 64), id: v.optional(text(1, 64)) })),
    problem: v.optional(v.strictObject({ code: text(1, 64), status: v.pipe(v.number(), v.safeInteger()) })),
    /** The deny rule that refused it. */
    deniedBy: v.optional(text(1, 64)),
    /** How many alike it stands for. */
    count: v.optional(countSchema),
  }),
  result: v.object({ id: idSchema('aud') }),
  refuses: [],
  idempotent: false,
});

export const requestVerbs = { report } as const;
