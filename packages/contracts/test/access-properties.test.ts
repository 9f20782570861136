import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decide,
  permissions,
  reachOf,
  visibleScopes,
  type AccessSnapshot,
  type Permission,
  type ScopeRef,
} from '../src/access.js';
import { encodeId } from '../src/ids.js';
import { permissionsOfRole, roles, type RoleDef } from '../src/roles.js';

// Random trees of random principals, against a version that knows nothing but texts: a scope is its path, to lie in another
// is to begin with its path. Slow, and too simple to be wrong in the same way.

interface Tree {
  readonly scopes: readonly ScopeRef[];
  chain(scope: ScopeRef): readonly ScopeRef[];
  path(id: string): string;
}

const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const platform: ScopeRef = { id: 'platform', kind: 'platform', parentId: null, tenantId: null };

/** So many environments in each project of each tenant. */
function treeOf(shape: readonly (readonly number[])[]): Tree {
  let count = 0;
  const scopes: ScopeRef[] = [platform];
  for (const projects of shape) {
    const tenantId = encodeId('tnt', uuid((count += 1)));
    scopes.push({ id: tenantId, kind: 'tenant', parentId: 'platform', tenantId });
    for (const environments of projects) {
      const projectId = encodeId('prj', uuid((count += 1)));
      scopes.push({ id: projectId, kind: 'project', parentId: tenantId, tenantId });
      for (let n = 0; n < environments; n += 1)
        scopes.push({ id: encodeId('env', uuid((count += 1))), kind: 'environment', parentId: projectId, tenantId });
    }
  }
  const byId = new Map(scopes.map((scope) => [scope.id, scope]));
  const chain = (scope: ScopeRef): readonly ScopeRef[] => {
    const parent = scope.parentId === null ? undefined : byId.get(scope.parentId);
    return parent === undefined ? [scope] : [...chain(parent), scope];
  };
  const path = (id: string): string => {
    const scope = byId.get(id);
    return scope === undefined
      ? '/nowhere/'
      : `/${chain(scope)
          .map((each) => each.id)
          .join('/')}/`;
  };
  return { scopes, chain, path };
}

// A few permissions of every reach, reading and changing, so that grants, rules and tokens meet often.
const some: readonly Permission[] = [
  'inventory.node.read',
  'tenancy.tenant.read',
  'tenancy.tenant.suspend',
  'tenancy.quota.read',
  'tenancy.quota.update',
  'inventory.allocation.read',
  'task.task.cancel',
];

const roleKeys = Object.keys(roles);
const worlds = fc
  .array(fc.array(fc.nat(2), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
  .map(treeOf)
  .chain((tree) => {
    const place = fc.constantFrom(...tree.scopes);
    const entry = fc.constantFrom(...tree.scopes.filter(({ kind }) => kind === 'platform' || kind === 'tenant'));
    const few = fc.subarray([...some]);
    const free = fc.record({ id: fc.string(), scope: place, permissions: few });
    // Roles as they are bound: break-glass among them.
    const bound = fc.record({ role: fc.constantFrom(...roleKeys), at: fc.nat() }).map(({ role, at }) => {
      const { boundOn } = roles[role as keyof typeof roles] as RoleDef;
      const places = tree.scopes.filter(({ kind }) => boundOn.includes(kind));
      return {
        id: role,
        scope: places[at % places.length] ?? platform,
        permissions: places.length === 0 ? [] : [...permissionsOfRole(role)],
      };
    });
    const snapshot: fc.Arbitrary<AccessSnapshot> = fc.record({
      epoch: fc.nat(),
      grants: fc.array(fc.oneof(free, bound), { maxLength: 5 }),
      denies: fc.array(
        fc.record({ id: fc.string(), scopeId: entry.map(({ id }) => id as 'platform'), permissions: few }),
        { maxLength: 3 },
      ),
      token: fc.option(
        fc.record({
          permissions: fc.option(few, { nil: undefined }),
          scope: fc.option(place, { nil: undefined }),
        }),
        { nil: undefined },
      ),
    });
    return fc.record({ tree: fc.constant(tree), snapshot });
  });

/** The rules of tenancy.md and api.md B.4, over paths. */
function naive(tree: Tree, snapshot: AccessSnapshot, asked: { permission: Permission; target: ScopeRef }): boolean {
  const { permission, target } = asked;
  const at = tree.path(target.id);
  const reach = reachOf(permission);
  const verb = permission.split('.')[2];
  const met = snapshot.denies.filter(
    (rule) => rule.permissions.includes(permission) && at.startsWith(tree.path(rule.scopeId)),
  );
  const grants = snapshot.grants.filter((grant) => {
    if (!grant.permissions.includes(permission) || !at.startsWith(tree.path(grant.scope.id))) return false;
    const fromAbove = grant.scope.id === 'platform';
    if (
      fromAbove &&
      target.kind !== 'platform' &&
      !(target.kind === 'tenant' && (reach === 'tenant' || reach === 'child'))
    )
      return false;
    if (reach === 'child' && verb !== 'read' && grant.scope.id === target.id) return false;
    return !met.some((rule) => rule.scopeId === 'platform' || !fromAbove);
  });
  if (reach === 'platform' && target.id !== 'platform') return false;
  const { token } = snapshot;
  if (token?.permissions && !token.permissions.includes(permission)) return false;
  if (token?.scope && !at.startsWith(tree.path(token.scope.id))) return false;
  return grants.length > 0;
}

describe('the evaluator and the naive version agree', () => {
  test('on every permission and every scope of a random tree', () => {
    fc.assert(
      fc.property(worlds, ({ tree, snapshot }) => {
        for (const permission of some)
          for (const target of tree.scopes)
            expect([permission, target.id, decide(snapshot, permission, tree.chain(target)).allowed]).toEqual([
              permission,
              target.id,
              naive(tree, snapshot, { permission, target }),
            ]);
      }),
      { numRuns: 1500 },
    );
  });

  test('what visibleScopes names passes on every scope in it, and what passes is named', () => {
    fc.assert(
      fc.property(worlds, ({ tree, snapshot }) => {
        for (const permission of some.filter((name) => name !== 'tenancy.quota.update')) {
          const seen = visibleScopes(snapshot, permission);
          const reach = reachOf(permission);
          for (const target of targetsOf(tree, reach)) {
            const passes = naive(tree, snapshot, { permission, target });
            if (isNamed(tree, seen, { target, reach }))
              expect([permission, target.id, passes]).toEqual([permission, target.id, true]);
            else if (!namedByTheWholeAlone(tree, snapshot, { permission, target }))
              expect([permission, target.id, passes]).toEqual([permission, target.id, false]);
          }
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('a token never allows what its account may not, and a deny rule never adds anything', () => {
    fc.assert(
      fc.property(worlds, ({ tree, snapshot }) => {
        const { token: _, ...account } = snapshot;
        const unruled = { ...snapshot, denies: [] };
        for (const permission of some)
          for (const target of tree.scopes) {
            const chain = tree.chain(target);
            if (!decide(snapshot, permission, chain).allowed) continue;
            expect(decide(account, permission, chain).allowed).toBe(true);
            expect(decide(unruled, permission, chain).allowed).toBe(true);
          }
      }),
      { numRuns: 500 },
    );
  });
});

// `all` of tenants is the list of tenants; of the platform's things, the platform.
const targetsOf = (tree: Tree, reach: ReturnType<typeof reachOf>): readonly ScopeRef[] =>
  reach === 'tenant' ? tree.scopes.filter(({ kind }) => kind === 'tenant') : tree.scopes;

function isNamed(
  tree: Tree,
  seen: ReturnType<typeof visibleScopes>,
  { target, reach }: { target: ScopeRef; reach: ReturnType<typeof reachOf> },
): boolean {
  if ('all' in seen) return reach === 'tenant' || target.kind === 'platform';
  if (target.kind === 'platform') return seen.platform === true;
  const named = [...seen.tenantIds, ...seen.projectIds, ...seen.environmentIds];
  return named.some((id) => tree.path(target.id).startsWith(tree.path(id)));
}

// The platform's hold on a tenant from above is named whole or not at all.
function namedByTheWholeAlone(
  tree: Tree,
  snapshot: AccessSnapshot,
  asked: { permission: Permission; target: ScopeRef },
): boolean {
  const inside = { ...snapshot, grants: snapshot.grants.filter(({ scope }) => scope.kind !== 'platform') };
  return asked.target.kind === 'tenant' && !naive(tree, inside, asked);
}

describe('the tenant border', () => {
  const tree = treeOf([[1], [1]]);
  const [one, other] = tree.scopes.filter(({ kind }) => kind === 'tenant') as [ScopeRef, ScopeRef];
  const insideOf = (tenant: ScopeRef) => tree.scopes.filter(({ tenantId }) => tenantId === tenant.id);
  const as = (role: string, scope: ScopeRef): AccessSnapshot['grants'][number] => ({
    id: role,
    scope,
    permissions: [...permissionsOfRole(role)],
  });

  test('an administrator of the platform holds nothing in a tenant but its entry, its limits and what is found of it, and everything of an owner once the glass is broken', () => {
    const grants = [as('platform-admin', platform)];
    const broken = [...grants, as('break-glass', one)];
    for (const scope of insideOf(one)) {
      const chain = tree.chain(scope);
      const held = permissions.filter((p) => decide({ epoch: 1, grants, denies: [] }, p, chain).allowed);
      expect(
        held.every((p) => scope.kind === 'tenant' && /^(tenancy\.(tenant|quota)|inventory\.finding)\./.test(p)),
      ).toBe(true);
      for (const permission of permissions) {
        const owner = decide({ epoch: 1, grants: [as('owner', one)], denies: [] }, permission, chain).allowed;
        const now = decide({ epoch: 1, grants: broken, denies: [] }, permission, chain).allowed;
        expect([permission, now]).toEqual([permission, owner || held.includes(permission)]);
      }
    }
    for (const scope of insideOf(other).filter(({ kind }) => kind !== 'tenant'))
      expect(
        permissions.filter((p) => decide({ epoch: 1, grants: broken, denies: [] }, p, tree.chain(scope)).allowed),
      ).toEqual([]);
  });

  test('a tenant cannot hide from its operators: its rules do not meet what is held from above', () => {
    const denies = [{ id: 'd', scopeId: one.id as 'platform', permissions: [...permissions] }];
    const operator = { epoch: 1, grants: [as('platform-operator', platform)], denies };
    expect(decide(operator, 'tenancy.tenant.suspend', tree.chain(one)).allowed).toBe(true);
    expect(visibleScopes(operator, 'tenancy.tenant.read')).toEqual({ all: true });
    const broken = { epoch: 1, grants: [as('break-glass', one)], denies };
    expect(decide(broken, 'inventory.allocation.read', tree.chain(one))).toMatchObject({ reason: 'denied' });
  });

  test('a rule of the platform meets everyone everywhere', () => {
    const denies = [
      { id: 'd', scopeId: 'platform' as const, permissions: ['tenancy.tenant.suspend', 'task.task.cancel'] },
    ];
    const all = { epoch: 1, grants: [as('platform-admin', platform), as('owner', one)], denies };
    for (const scope of tree.scopes)
      for (const permission of ['tenancy.tenant.suspend', 'task.task.cancel'] as const)
        expect(decide(all, permission, tree.chain(scope)).allowed).toBe(false);
  });
});
