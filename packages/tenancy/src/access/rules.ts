import { missingPermissions, permissions as everyPermission, type ScopeRef } from '@sentral/contracts/access';
import type { Holding } from './row.js';

const platform: ScopeRef = { id: 'platform', kind: 'platform', parentId: null, tenantId: null };

/** The scopes from the platform down to this one: a scope names its parent and its tenant, and the tree is no deeper. */
export function chainOf(scope: ScopeRef): readonly ScopeRef[] {
  if (scope.kind === 'platform' || scope.tenantId === null) return [platform];
  const tenant: ScopeRef = { id: scope.tenantId, kind: 'tenant', parentId: 'platform', tenantId: scope.tenantId };
  if (scope.kind === 'tenant') return [platform, tenant];
  if (scope.kind === 'project' || scope.parentId === null) return [platform, tenant, scope];
  const project: ScopeRef = { id: scope.parentId, kind: 'project', parentId: tenant.id, tenantId: tenant.id };
  return [platform, tenant, project, scope];
}

/** A permission somewhere, and what a refusal names when it is missing. */
export interface Lack {
  readonly missingPermission: string;
  readonly scope: string;
}

/** The first of these that is not held on a scope. */
export function firstLack(holding: Holding, wanted: readonly string[], scope: ScopeRef): Lack | undefined {
  const [missing] = missingPermissions(asSnapshot(holding), wanted, chainOf(scope));
  return missing === undefined ? undefined : { missingPermission: missing, scope: scope.id };
}

/**
 * Until when all of these are held on a scope, should nobody take them away before: for each the end of the grant that
 * lasts longest, of all the earliest. Null: for good.
 */
export function heldUntil(holding: Holding, wanted: readonly string[], scope: ScopeRef): Date | null {
  const chain = chainOf(scope);
  return earliest(wanted.map((permission) => latestEnd(holding, permission, chain)));
}

function latestEnd(holding: Holding, permission: string, chain: readonly ScopeRef[]): Date | null {
  const ends = holding.grants
    .filter(
      (grant) => missingPermissions(asSnapshot({ ...holding, grants: [grant] }), [permission], chain).length === 0,
    )
    .map(({ expiresAt }) => expiresAt);
  if (ends.includes(null) || ends.length === 0) return null;
  return ends.reduce((a, b) => (a !== null && b !== null && a > b ? a : b), null);
}

/** The earliest of some ends; null is no end. */
export function earliest(ends: readonly (Date | null)[]): Date | null {
  return ends.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null);
}

/** What a token can do: its account's grants and denies under its own limits. */
export interface TokenPower {
  readonly account: Holding;
  readonly permissions: readonly string[] | null;
  /** Null: wherever the account may. */
  readonly scope: ScopeRef | null;
}

/**
 * The rule of api.md B.2, that a token never outlives or exceeds its creator's grant at its scope, made precise: whatever
 * the token could do now, at its scope and at each scope inside it on which its account is granted something, its creator
 * can do there too; rights are inherited, so between these places there is nothing to look at. What the account is granted
 * later is the act of whoever grants it, and judged there.
 */
export function lackForToken(creator: Holding, power: TokenPower): Lack | undefined {
  for (const { scope, usable } of reachOfToken(power)) {
    const lack = firstLack(creator, usable, scope);
    if (lack !== undefined) return lack;
  }
  return undefined;
}

/** Until when the creator holds all that the token could do. */
export function tokenHeldUntil(creator: Holding, power: TokenPower): Date | null {
  return earliest(reachOfToken(power).map(({ scope, usable }) => heldUntil(creator, usable, scope)));
}

function reachOfToken({ account, permissions, scope }: TokenPower) {
  const token = {
    ...(permissions === null ? {} : { permissions: [...permissions] }),
    ...(scope === null ? {} : { scope }),
  };
  const limited = asSnapshot({ ...account, token });
  const inside = account.grants
    .map((grant) => grant.scope)
    .filter((place) => scope === null || chainOf(place).some(({ id }) => id === scope.id));
  const places = new Map([scope ?? platform, ...inside].map((place) => [place.id, place]));
  return [...places.values()].map((place) => {
    const missing = new Set(missingPermissions(limited, everyPermission, chainOf(place)));
    return { scope: place, usable: everyPermission.filter((each) => !missing.has(each)) };
  });
}

function asSnapshot({ epoch, grants, denies, token }: Holding) {
  return {
    epoch,
    grants: grants.map(({ id, scope, permissions }) => ({ id, scope, permissions: permissions as string[] })),
    denies,
    ...(token === undefined ? {} : { token }),
  };
}
