import * as v from 'valibot';
import { scopeKinds, scopeIdSchema, type ReadScope, type ScopeRow } from './contract.js';
import { idSchema } from './ids.js';
import { isPermission, reachOf, type Permission, type Reach } from './permissions.js';

export { isPermission, permissionRegistry, permissions, reachOf, type Permission, type Reach } from './permissions.js';

/** As much of a scope as a decision needs. */
export type ScopeRef = Pick<ScopeRow, 'id' | 'kind' | 'parentId' | 'tenantId'>;

const scopeRefSchema = v.object({
  id: scopeIdSchema,
  kind: v.picklist(scopeKinds),
  parentId: v.nullable(scopeIdSchema),
  tenantId: v.nullable(idSchema('tnt')),
});

// A permission that this version does not know grants nothing here, and must not stop the others from being read.
const permissionList = v.array(v.pipe(v.string(), v.maxLength(128)));

/** All that decides what one principal may do: its live grants, the deny rules that meet it, the limits of its token. */
export const accessSnapshotSchema = v.object({
  epoch: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  grants: v.array(
    v.object({
      id: v.string(),
      scope: scopeRefSchema,
      permissions: permissionList,
      /** It is the one way over the tenant border: what is read by it is on record. */
      breakGlass: v.optional(v.literal(true)),
    }),
  ),
  /** On the platform or a tenant; inherited by everything below. Subjects and exceptions are resolved already. */
  denies: v.array(
    v.object({
      id: v.string(),
      scopeId: v.union([v.literal('platform'), idSchema('tnt')]),
      permissions: permissionList,
    }),
  ),
  /** A token never exceeds its account: it may do less, in a smaller place. */
  token: v.optional(v.object({ permissions: v.optional(permissionList), scope: v.optional(scopeRefSchema) })),
});
export type AccessSnapshot = v.InferInput<typeof accessSnapshotSchema>;

export type Decision =
  | { readonly allowed: true; readonly grantedBy: string }
  | { readonly allowed: false; readonly reason: 'not-granted' | 'denied' | 'token'; readonly deniedBy?: string };

/**
 * Decides on one permission on one scope: allowed when a grant on the way from the root to the scope holds it, no deny
 * rule on that way names it and the token, if any, leaves it in. What is not granted is refused.
 *
 * Deny beats allow, as far as the rule's owner has a say: a rule of the platform meets every grant, a rule of a tenant
 * every grant in the tenant. What the platform holds on a tenant from above, as an entry of its list with limits, is not
 * the tenant's to forbid: it could hide from its operators, or empty their list of tenants.
 * @param chain the scopes from the platform down to the target, the target last
 */
export function decide(snapshot: AccessSnapshot, permission: Permission, chain: readonly ScopeRef[]): Decision {
  const target = chain.at(-1);
  const reach = reachOf(permission);
  if (target === undefined || reach === undefined) return { allowed: false, reason: 'not-granted' };
  if (reach === 'platform' && target.kind !== 'platform') return { allowed: false, reason: 'not-granted' };

  let deniedBy: string | undefined;
  for (const rule of snapshot.denies) {
    if (!rule.permissions.includes(permission) || !onChain(chain, rule.scopeId)) continue;
    if (rule.scopeId === 'platform') return { allowed: false, reason: 'denied', deniedBy: rule.id };
    deniedBy ??= rule.id;
  }

  const grant = snapshot.grants.find(
    ({ scope, permissions }) =>
      onChain(chain, scope.id) &&
      crossesBorder(scope, target, reach) &&
      (reach !== 'child' || scope.id !== target.id || permission.endsWith('.read')) &&
      (deniedBy === undefined || scope.kind === 'platform') &&
      permissions.includes(permission),
  );
  if (grant === undefined)
    return deniedBy === undefined
      ? { allowed: false, reason: 'not-granted' }
      : { allowed: false, reason: 'denied', deniedBy };

  const { token } = snapshot;
  if (token?.permissions !== undefined && !token.permissions.includes(permission))
    return { allowed: false, reason: 'token' };
  if (token?.scope !== undefined && !onChain(chain, token.scope.id)) return { allowed: false, reason: 'token' };
  return { allowed: true, grantedBy: grant.id };
}

/**
 * Says in which scopes a permission holds, for the where clause of a list. Whatever lies in a named scope passes
 * `decide`, and nothing that passes is left out, but for what errs to the safe side: the platform's hold on a tenant from
 * above is named whole or not at all. So a token held to one tenant does not see it by its account's grant on the
 * platform, and limits are read tenant by tenant.
 */
export function visibleScopes(snapshot: AccessSnapshot, permission: Permission): ReadScope {
  const reach = reachOf(permission);
  const nothing = { tenantIds: [], projectIds: [], environmentIds: [] };
  const { token } = snapshot;
  if (reach === undefined || (token?.permissions !== undefined && !token.permissions.includes(permission)))
    return nothing;

  const denied = new Set<string>(
    snapshot.denies.filter((rule) => rule.permissions.includes(permission)).map((rule) => rule.scopeId),
  );
  if (denied.has('platform')) return nothing;

  const granted = snapshot.grants
    .filter(({ permissions }) => permissions.includes(permission))
    .map(({ scope }) => scope);
  const wholePlatform =
    granted.some(({ kind }) => kind === 'platform') && (token?.scope?.kind ?? 'platform') === 'platform';
  if (reach === 'platform') return wholePlatform ? { all: true } : nothing;
  if (reach === 'tenant' && wholePlatform) return { all: true };

  const scopes = granted
    .flatMap((scope) => (token?.scope === undefined ? [scope] : narrower(scope, token.scope)))
    .filter(({ id, kind, tenantId }) => kind !== 'platform' && !denied.has(id) && !denied.has(tenantId ?? id));
  return {
    tenantIds: idsOf(scopes, 'tenant'),
    projectIds: idsOf(scopes, 'project'),
    environmentIds: idsOf(scopes, 'environment'),
    ...(reach !== 'tenant' && wholePlatform ? { platform: true } : {}),
  };
}

/** Says which permissions of a role a principal lacks on a scope: nobody may grant what it does not hold there. */
export function missingPermissions(
  snapshot: AccessSnapshot,
  wanted: readonly string[],
  chain: readonly ScopeRef[],
): readonly string[] {
  return wanted.filter((permission) => !isPermission(permission) || !holds(snapshot, permission, chain));
}

// A permission on limits is held on the scope although it only works below it: an owner may make another owner.
function holds(snapshot: AccessSnapshot, permission: Permission, chain: readonly ScopeRef[]): boolean {
  const target = chain.at(-1);
  if (reachOf(permission) !== 'child' || target === undefined) return decide(snapshot, permission, chain).allowed;
  const below: ScopeRef = { ...target, id: 'a scope below', parentId: target.id };
  return decide(snapshot, permission, [...chain, below]).allowed;
}

function onChain(chain: readonly ScopeRef[], id: string): boolean {
  return chain.some((scope) => scope.id === id);
}

// The tenant border: a grant on the platform ends at it, but for the tenant itself as an entry of the platform's list.
function crossesBorder(from: ScopeRef, target: ScopeRef, reach: Reach): boolean {
  if (from.kind !== 'platform' || target.kind === 'platform') return true;
  return (reach === 'tenant' || reach === 'child') && target.kind === 'tenant';
}

function narrower(a: ScopeRef, b: ScopeRef): ScopeRef[] {
  // The border holds for tokens too: narrowing a platform grant to a tenant does not carry it inside.
  if (a.kind === 'platform') return [a];
  if (covers(b, a)) return [a];
  return covers(a, b) ? [b] : [];
}

function covers(outer: ScopeRef, inner: ScopeRef): boolean {
  if (outer.kind === 'platform' || outer.id === inner.id) return true;
  if (outer.kind === 'tenant') return inner.tenantId === outer.id;
  return outer.kind === 'project' && inner.kind === 'environment' && inner.parentId === outer.id;
}

function idsOf(scopes: readonly ScopeRef[], kind: ScopeRef['kind']): string[] {
  return [...new Set(scopes.filter((scope) => scope.kind === kind).map(({ id }) => id))].toSorted();
}
