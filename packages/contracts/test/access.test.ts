import { expect, test } from 'vitest';
import * as v from 'valibot';
import {
  accessSnapshotSchema,
  decide,
  missingPermissions,
  permissions,
  visibleScopes,
  type AccessSnapshot,
  type ScopeRef,
} from '../src/access.js';
import { encodeId } from '../src/ids.js';

// A small tree: two tenants, each with two projects, each with two environments.
const uuid = (n: number): string => `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const platform: ScopeRef = { id: 'platform', kind: 'platform', parentId: null, tenantId: null };
const tenants: ScopeRef[] = [1, 2].map((n) => {
  const id = encodeId('tnt', uuid(n));
  return { id, kind: 'tenant', parentId: 'platform', tenantId: id };
});
const projects: ScopeRef[] = tenants.flatMap(({ id: tenantId }, t) =>
  [1, 2].map((n) => ({
    id: encodeId('prj', uuid(t * 10 + n)),
    kind: 'project' as const,
    parentId: tenantId,
    tenantId,
  })),
);
const environments: ScopeRef[] = projects.flatMap(({ id: parentId, tenantId }, p) =>
  [1, 2].map((n) => ({ id: encodeId('env', uuid(p * 10 + n)), kind: 'environment' as const, parentId, tenantId })),
);
const scopes = [platform, ...tenants, ...projects, ...environments];
const byId = new Map(scopes.map((scope) => [scope.id, scope]));
const chainOf = (scope: ScopeRef): ScopeRef[] => {
  const parent = scope.parentId === null ? undefined : byId.get(scope.parentId);
  return parent === undefined ? [scope] : [...chainOf(parent), scope];
};

test('nothing granted, nothing allowed; an empty chain is nowhere', () => {
  const empty: AccessSnapshot = { epoch: 1, grants: [], denies: [] };
  for (const permission of permissions) {
    expect(decide(empty, permission, [platform])).toEqual({ allowed: false, reason: 'not-granted' });
    expect(visibleScopes(empty, permission)).toEqual({ tenantIds: [], projectIds: [], environmentIds: [] });
  }
  const all: AccessSnapshot = { ...empty, grants: [{ id: 'g', scope: platform, permissions: [...permissions] }] };
  expect(decide(all, 'inventory.node.read', []).allowed).toBe(false);
});

test('a grant on the platform ends at the tenant border, but for the tenant as an entry of the list, the limits that bind it and what is found of it', () => {
  const all: AccessSnapshot = {
    epoch: 1,
    grants: [{ id: 'g', scope: platform, permissions: [...permissions] }],
    denies: [],
  };
  const [tenant] = tenants as [ScopeRef];
  const inside = permissions.filter((permission) => decide(all, permission, chainOf(tenant)).allowed);
  expect(inside.every((permission) => /^(tenancy\.(tenant|quota)|inventory\.finding)\./.test(permission))).toBe(true);
  expect(inside).toContain('tenancy.tenant.suspend');
  for (const scope of [...projects, ...environments]) {
    expect(permissions.filter((permission) => decide(all, permission, chainOf(scope)).allowed)).toEqual([]);
  }
});

test('nobody moves its own limit: that takes a grant above the scope that it binds', () => {
  const [tenant] = tenants as [ScopeRef];
  const [project] = projects as [ScopeRef];
  const owner: AccessSnapshot = {
    epoch: 1,
    grants: [{ id: 'g', scope: tenant, permissions: ['tenancy.quota.update', 'tenancy.quota.read'] }],
    denies: [],
  };
  expect(decide(owner, 'tenancy.quota.update', chainOf(tenant)).allowed).toBe(false);
  expect(decide(owner, 'tenancy.quota.read', chainOf(tenant)).allowed).toBe(true);
  expect(decide(owner, 'tenancy.quota.update', chainOf(project)).allowed).toBe(true);
  expect(missingPermissions(owner, ['tenancy.quota.update'], chainOf(tenant))).toEqual([]);
});

test('a deny rule beats every grant and is named', () => {
  const [tenant] = tenants as [ScopeRef];
  const snapshot: AccessSnapshot = {
    epoch: 1,
    grants: [{ id: 'g', scope: tenant, permissions: ['inventory.allocation.read'] }],
    denies: [{ id: 'd', scopeId: tenant.id, permissions: ['inventory.allocation.read'] }],
  };
  expect(decide(snapshot, 'inventory.allocation.read', chainOf(tenant))).toEqual({
    allowed: false,
    reason: 'denied',
    deniedBy: 'd',
  });
});

test('nobody can grant what it does not hold', () => {
  const [tenant] = tenants as [ScopeRef];
  const snapshot: AccessSnapshot = {
    epoch: 1,
    grants: [{ id: 'g', scope: tenant, permissions: ['task.task.read'] }],
    denies: [],
  };
  expect(
    missingPermissions(snapshot, ['task.task.read', 'task.task.cancel', 'no.such.thing'], chainOf(tenant)),
  ).toEqual(['task.task.cancel', 'no.such.thing']);
});

test('a snapshot with a permission of tomorrow is still read', () => {
  const snapshot = {
    epoch: 1,
    grants: [{ id: 'g', scope: platform, permissions: ['inventory.wormhole.read'] }],
    denies: [],
  };
  expect(v.is(accessSnapshotSchema, snapshot)).toBe(true);
});

test('permissions are <context>.<noun>.<verb>, each once', () => {
  expect(new Set(permissions).size).toBe(permissions.length);
  for (const permission of permissions) expect(permission).toMatch(/^[a-z]+\.[a-z][A-Za-z]*.[a-z][A-Za-z]*$/);
});
