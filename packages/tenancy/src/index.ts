import { checked, type CheckedOptions, type Implements } from '@sentral/contracts/contract';
import { tenancy } from '@sentral/contracts/tenancy';
import type { Deps } from './deps.js';
import { epochOfAccess } from './access/epoch.js';
import { explainAccess } from './access/explain.js';
import { snapshotOfAccess } from './access/snapshot.js';
import { amendDenyRule } from './deny-rule/amend.js';
import { createDenyRule } from './deny-rule/create.js';
import { getDenyRule } from './deny-rule/get.js';
import { listDenyRules } from './deny-rule/list.js';
import { removeDenyRule } from './deny-rule/remove.js';
import { amendExemption } from './exemption/amend.js';
import { createExemption } from './exemption/create.js';
import { getExemption } from './exemption/get.js';
import { listExemptions } from './exemption/list.js';
import { removeExemption } from './exemption/remove.js';
import { factPage, versionPage } from '@sentral/kernel/feed';
import { versions } from './feed/versions.js';
import { amendHold } from './hold/amend.js';
import { createHold } from './hold/create.js';
import { getHold } from './hold/get.js';
import { listHolds } from './hold/list.js';
import { removeHold } from './hold/remove.js';
import { listInvariants } from './invariant/list.js';
import { effectiveOfScope } from './policy/effective.js';
import { getPolicy } from './policy/get.js';
import { previewPolicy } from './policy/preview.js';
import { setPolicy } from './policy/set.js';
import { amendQuota } from './quota/amend.js';
import { createQuota } from './quota/create.js';
import { getQuota } from './quota/get.js';
import { listQuotas } from './quota/list.js';
import { removeQuota } from './quota/remove.js';
import { useOfQuota } from './quota/use.js';
import { amendRoleBinding } from './role-binding/amend.js';
import { breakGlass } from './role-binding/break-glass.js';
import { createRoleBinding } from './role-binding/create.js';
import { getRoleBinding } from './role-binding/get.js';
import { listRoleBindings } from './role-binding/list.js';
import { removeRoleBinding } from './role-binding/remove.js';
import { adoptTenant } from './scope/adopt.js';
import { amendScope } from './scope/amend.js';
import { createScope } from './scope/create.js';
import { getScope } from './scope/get.js';
import { listScopes } from './scope/list.js';
import { pageScopes } from './scope/page.js';
import { pathOfScope } from './scope/path.js';
import { removeScope } from './scope/remove.js';
import { restoreScope } from './scope/restore.js';
import { resumeScope } from './scope/resume.js';
import { suspendScope } from './scope/suspend.js';
import { amendServiceAccount } from './service-account/amend.js';
import { createServiceAccount } from './service-account/create.js';
import { getServiceAccount } from './service-account/get.js';
import { listServiceAccounts } from './service-account/list.js';
import { removeServiceAccount } from './service-account/remove.js';
import { createToken } from './token/create.js';
import { getToken } from './token/get.js';
import { listTokens } from './token/list.js';
import { revokeToken } from './token/revoke.js';
import { rotateToken } from './token/rotate.js';
import { amendUser } from './user/amend.js';
import { disableUser } from './user/disable.js';
import { enableUser } from './user/enable.js';
import { eraseUser } from './user/erase.js';
import { getUser } from './user/get.js';
import { listUsers } from './user/list.js';
import { registerUser } from './user/register.js';

export type { Deps, ScopeUser } from './deps.js';
export { isProductionDatabase, noteProduction } from './installation/sql.js';
export { createTenancyLoops } from './loops.js';
export type Tenancy = Implements<typeof tenancy>;

/** The tenancy context: who exists, who may do what, and how much. */
export function createTenancy(deps: Deps, options: CheckedOptions = {}): Tenancy {
  return checked(
    tenancy,
    {
      scope: {
        get: (caller, command) => getScope(deps, caller, command),
        path: (caller, command) => pathOfScope(deps, caller, command),
        page: (caller, command) => pageScopes(deps, caller, command),
        create: (caller, command) => createScope(deps, caller, command),
        adopt: (caller, command) => adoptTenant(deps, caller, command),
        list: (caller, command) => listScopes(deps, caller, command),
        amend: (caller, command) => amendScope(deps, caller, command),
        suspend: (caller, command) => suspendScope(deps, caller, command),
        resume: (caller, command) => resumeScope(deps, caller, command),
        remove: (caller, command) => removeScope(deps, caller, command),
        restore: (caller, command) => restoreScope(deps, caller, command),
      },
      hold: {
        create: (caller, command) => createHold(deps, caller, command),
        get: (caller, command) => getHold(deps, caller, command),
        list: (caller, command) => listHolds(deps, caller, command),
        amend: (caller, command) => amendHold(deps, caller, command),
        remove: (caller, command) => removeHold(deps, caller, command),
      },
      user: {
        register: (caller, command) => registerUser(deps, caller, command),
        get: (caller, command) => getUser(deps, caller, command),
        list: (caller, command) => listUsers(deps, caller, command),
        amend: (caller, command) => amendUser(deps, caller, command),
        disable: (caller, command) => disableUser(deps, caller, command),
        enable: (caller, command) => enableUser(deps, caller, command),
        erase: (caller, command) => eraseUser(deps, caller, command),
      },
      serviceAccount: {
        create: (caller, command) => createServiceAccount(deps, caller, command),
        get: (caller, command) => getServiceAccount(deps, caller, command),
        list: (caller, command) => listServiceAccounts(deps, caller, command),
        amend: (caller, command) => amendServiceAccount(deps, caller, command),
        remove: (caller, command) => removeServiceAccount(deps, caller, command),
      },
      token: {
        create: (caller, command) => createToken(deps, caller, command),
        rotate: (caller, command) => rotateToken(deps, caller, command),
        get: (caller, command) => getToken(deps, caller, command),
        list: (caller, command) => listTokens(deps, caller, command),
        revoke: (caller, command) => revokeToken(deps, caller, command),
      },
      roleBinding: {
        create: (caller, command) => createRoleBinding(deps, caller, command),
        breakGlass: (caller, command) => breakGlass(deps, caller, command),
        get: (caller, command) => getRoleBinding(deps, caller, command),
        list: (caller, command) => listRoleBindings(deps, caller, command),
        amend: (caller, command) => amendRoleBinding(deps, caller, command),
        remove: (caller, command) => removeRoleBinding(deps, caller, command),
      },
      denyRule: {
        create: (caller, command) => createDenyRule(deps, caller, command),
        get: (caller, command) => getDenyRule(deps, caller, command),
        list: (caller, command) => listDenyRules(deps, caller, command),
        amend: (caller, command) => amendDenyRule(deps, caller, command),
        remove: (caller, command) => removeDenyRule(deps, caller, command),
      },
      access: {
        snapshot: (caller, command) => snapshotOfAccess(deps, caller, command),
        epoch: (caller) => epochOfAccess(deps, caller),
        explain: (caller, command) => explainAccess(deps, caller, command),
      },
      policy: {
        get: (caller, command) => getPolicy(deps, caller, command),
        set: (caller, command) => setPolicy(deps, caller, command),
        effective: (caller, command) => effectiveOfScope(deps, caller, command),
        preview: (caller, command) => previewPolicy(deps, caller, command),
      },
      exemption: {
        create: (caller, command) => createExemption(deps, caller, command),
        get: (caller, command) => getExemption(deps, caller, command),
        list: (caller, command) => listExemptions(deps, caller, command),
        amend: (caller, command) => amendExemption(deps, caller, command),
        remove: (caller, command) => removeExemption(deps, caller, command),
      },
      quota: {
        create: (caller, command) => createQuota(deps, caller, command),
        get: (caller, command) => getQuota(deps, caller, command),
        list: (caller, command) => listQuotas(deps, caller, command),
        amend: (caller, command) => amendQuota(deps, caller, command),
        remove: (caller, command) => removeQuota(deps, caller, command),
        use: (caller, command) => useOfQuota(deps, caller, command),
      },
      feed: {
        page: (caller, command) => factPage(deps.db.platform, versions, { caller, ...command }),
        versions: (caller, command) => versionPage(deps.db.platform, versions, { caller, ...command }),
      },
      invariant: { list: (caller) => listInvariants(deps, caller) },
    },
    options,
  );
}
