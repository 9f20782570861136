import { defineContract, platformScopeUuid } from '../contract.js';
import { encodeId } from '../ids.js';
import { feedVerbs, invariantVerbs } from '../shared-verbs.js';
import { access } from './access.js';
import { hold } from './hold.js';
import { exemption, policy } from './policy.js';
import { serviceAccount, token, user } from './principal.js';
import { quota } from './quota.js';
import { denyRule, roleBinding } from './role-binding.js';
import { scope } from './scope.js';

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

/** What tenancy offers the others: who exists, who may do what, and how much. */
export const tenancy = defineContract({
  context: 'tenancy',
  nouns: {
    scope,
    hold,
    user,
    serviceAccount,
    token,
    roleBinding,
    denyRule,
    access,
    policy,
    exemption,
    quota,
    feed: feedVerbs,
    invariant: invariantVerbs,
  },
});
