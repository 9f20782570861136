import * as v from 'valibot';
import { scopeRowSchema, type ScopeRow } from './contract.js';
import { defineEvents } from './events.js';
import { holdSchema } from './tenancy/hold.js';
import { exemptionSchema, policySchema } from './tenancy/policy.js';
import { serviceAccountSchema, tokenSchema, userSchema } from './tenancy/principal.js';
import { quotaLimitSchema } from './tenancy/quota.js';
import { denyRuleSchema, roleBindingSchema } from './tenancy/role-binding.js';
import { scopeSchema } from './tenancy/scope.js';

// Who was answered from memory is the caller's affair; a fact happens once.
/** The scope, and all that the projections of other contexts hold of it. */
const scope = { data: v.object({ ...v.omit(scopeSchema, ['replayed']).entries, projection: scopeRowSchema }) };
const scopeEnd = { data: v.omit(scopeSchema, ['replayed']) };
const hold = { data: v.omit(holdSchema, ['replayed']) };
/** Who it is stays with tenancy: the reference is enough for whoever listens. */
const user = { data: v.omit(userSchema, ['replayed', 'issuer', 'subject', 'displayName']) };
const serviceAccount = { data: v.omit(serviceAccountSchema, ['replayed']) };
const token = { data: v.omit(tokenSchema, ['replayed', 'secret', 'lastUsedAt']) };
const roleBinding = { data: v.omit(roleBindingSchema, ['replayed']) };
const denyRule = { data: v.omit(denyRuleSchema, ['replayed']) };
const policy = { data: v.omit(policySchema, ['replayed']) };
const policyExemption = { data: v.omit(exemptionSchema, ['replayed']) };
const quotaLimit = { data: v.omit(quotaLimitSchema, ['replayed']) };
/** What went with its scope for good: nothing is left to show but which one it was. */
const purged = { data: v.object({ id: v.string() }) };

/** Everything that tenancy says publicly: one event a change, its data the resource as it is after the change. */
export const tenancyEvents = defineEvents({
  context: 'tenancy',
  events: {
    'scope.created': { summary: 'A tenant, project or environment was created.', ...scope },
    'scope.changed': { summary: 'A scope, its limits, policy, exemptions or holds were changed.', ...scope },
    'scope.suspended': { summary: 'Nothing new begins in the scope any more.', ...scope },
    'scope.resumed': { summary: 'The suspension of a scope ended.', ...scope },
    'scope.deleting': { summary: 'A scope is about to be deleted: nothing new begins in it.', ...scope },
    'scope.deletionStopped': { summary: 'Something lives in the scope: it goes on as before.', ...scope },
    'scope.deleted': { summary: 'A scope was deleted; it can be restored for a time.', ...scope },
    'scope.restored': { summary: 'A deleted scope was brought back.', ...scope },
    'scope.purged': { summary: 'A deleted scope is gone for good.', ...scopeEnd },
    'hold.created': { summary: 'A hold was set.', ...hold },
    'hold.amended': { summary: 'The reason or the end of a hold was changed.', ...hold },
    'hold.removed': { summary: 'A hold ended.', ...hold },
    'user.registered': { summary: 'A person is known.', ...user },
    'user.amended': { summary: 'A person is called otherwise.', ...user },
    'user.disabled': { summary: 'A person was shut out.', ...user },
    'user.enabled': { summary: 'A person was let in again.', ...user },
    'user.erased': { summary: 'Who a person was is forgotten.', ...user },
    'serviceAccount.created': { summary: 'A service account was created.', ...serviceAccount },
    'serviceAccount.amended': { summary: 'A service account was changed.', ...serviceAccount },
    'serviceAccount.removed': { summary: 'A service account ended.', ...serviceAccount },
    'serviceAccount.purged': { summary: 'A service account went with its scope.', ...purged },
    'token.created': { summary: 'An API token was made.', ...token },
    'token.rotated': { summary: 'An API token has a successor and an end.', ...token },
    'token.revoked': { summary: 'An API token was ended.', ...token },
    'token.purged': { summary: 'An API token went with its scope.', ...purged },
    'roleBinding.created': { summary: 'A role was granted.', ...roleBinding },
    'roleBinding.glassBroken': {
      summary: 'An administrator of the platform let itself into a tenant.',
      ...roleBinding,
    },
    'roleBinding.amended': { summary: 'The end or the reason of a grant was changed.', ...roleBinding },
    'roleBinding.removed': { summary: 'A grant was taken back.', ...roleBinding },
    'denyRule.created': { summary: 'Something was forbidden.', ...denyRule },
    'denyRule.amended': { summary: 'What is forbidden was changed.', ...denyRule },
    'denyRule.removed': { summary: 'A prohibition ended.', ...denyRule },
    'policy.set': { summary: 'The policy of a scope was replaced.', ...policy },
    'policy.purged': { summary: 'The policy of a scope went with it.', ...purged },
    'policyExemption.created': { summary: 'A policy was lifted for a time.', ...policyExemption },
    'policyExemption.amended': { summary: 'The end or the reason of an exemption was changed.', ...policyExemption },
    'policyExemption.removed': { summary: 'An exemption ended.', ...policyExemption },
    'quotaLimit.created': { summary: 'A dimension was limited.', ...quotaLimit },
    'quotaLimit.amended': { summary: 'A limit was moved.', ...quotaLimit },
    'quotaLimit.removed': { summary: 'A limit was lifted.', ...quotaLimit },
  },
});
export type TenancyEventName = keyof typeof tenancyEvents.events;

/** What is read of an event about a scope; whatever else it says is not the reader's to judge. */
const scopeEvent = v.object({ data: v.object({ projection: scopeRowSchema }) });

/** The scope that an event tells of; undefined for the end of one, and for a shape of another release. */
export function scopeRowOf(event: unknown): ScopeRow | undefined {
  const read = v.safeParse(scopeEvent, event);
  return read.success ? read.output.data.projection : undefined;
}
