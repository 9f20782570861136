import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decide, permissions, type Permission, type ScopeRef } from '../src/access.js';
import { encodeId } from '../src/ids.js';
import { roles, type RoleDef } from '../src/roles.js';

// Who may do what where, as text that a person reads line by line before it changes: `pnpm golden` writes it.
const file = new URL('../golden/permission-matrix.txt', import.meta.url);
const update = process.env['SENTRAL_UPDATE_GOLDEN'] !== undefined;

const uuid = (n: number): string => `00000000-0000-7000-8000-00000000000${n}`;
const tenantId = encodeId('tnt', uuid(1));
const chain: readonly ScopeRef[] = [
  { id: 'platform', kind: 'platform', parentId: null, tenantId: null },
  { id: tenantId, kind: 'tenant', parentId: 'platform', tenantId },
  { id: encodeId('prj', uuid(2)), kind: 'project', parentId: tenantId, tenantId },
  { id: encodeId('env', uuid(3)), kind: 'environment', parentId: encodeId('prj', uuid(2)), tenantId },
];
const letterOf = { platform: 'P', tenant: 'T', project: 'p', environment: 'e' } as const;

interface Column {
  readonly role: string;
  readonly on: ScopeRef;
}
const columns: readonly Column[] = Object.entries(roles as Record<string, RoleDef>).flatMap(([role, { boundOn }]) =>
  boundOn.flatMap((kind) => chain.filter((scope) => scope.kind === kind).map((on) => ({ role, on }))),
);

/** The kinds of scope, on the one way from the platform down, on which the permission holds. */
function cell({ role, on }: Column, permission: Permission): string {
  const { permissions: held } = roles[role as keyof typeof roles];
  const snapshot = { epoch: 0, grants: [{ id: 'g', scope: on, permissions: [...held] }], denies: [] };
  return chain
    .map((scope, depth) =>
      decide(snapshot, permission, chain.slice(0, depth + 1)).allowed ? letterOf[scope.kind] : '.',
    )
    .join('');
}

const short: Record<string, string> = {
  'platform-admin': 'pl-admin',
  'platform-operator': 'pl-oper',
  'platform-viewer': 'pl-view',
  'break-glass': 'glass',
};

function matrix(): string {
  const heads = columns.map(({ role, on }) => `${short[role] ?? role}@${letterOf[on.kind]}`);
  const widths = heads.map((head) => Math.max(head.length, chain.length));
  const wide = Math.max(...permissions.map((name) => name.length));
  const line = (first: string, cells: readonly string[]): string =>
    [first.padEnd(wide), ...cells.map((text, at) => text.padEnd(widths[at] ?? 0))].join('  ').trimEnd();
  return [
    '# Who may do what where. A column is a role and the kind of scope it is bound on (P platform, T tenant, p project,',
    '# e environment); a cell names the kinds, on the one way from the platform down through that scope, on which the',
    '# permission holds. Nothing in a column reaches a scope beside that way. Written by `pnpm golden`, read by people.',
    line('', heads),
    ...permissions.map((permission) =>
      line(
        permission,
        columns.map((column) => cell(column, permission).replace(/^\.+$/, '.')),
      ),
    ),
    '',
  ].join('\n');
}

test('the permission matrix is what was reviewed', () => {
  const now = matrix();
  if (update) writeFileSync(file, now);
  expect(now).toBe(readFileSync(file, 'utf8'));
});

const holdersOf = (permission: Permission): string[] =>
  Object.entries(roles as Record<string, RoleDef>)
    .filter(([, def]) => def.permissions.includes(permission))
    .map(([role]) => role);

/** What no role holds, and why: none, so far. */
const operatorOnly: Readonly<Partial<Record<Permission, string>>> = {};

test('every permission is held by some role, or is the operator’s for a reason', () => {
  const nobodys = permissions.filter((permission) => holdersOf(permission).length === 0);
  expect(nobodys).toEqual(Object.keys(operatorOnly));
});

test('what a role may not be: the sentences of the design, one by one', () => {
  const held = (role: keyof typeof roles): readonly Permission[] => roles[role].permissions;
  const matching = (role: keyof typeof roles, pattern: RegExp) => held(role).filter((name) => pattern.test(name));
  const accessObjects = /^tenancy\.(user|roleBinding|denyRule|serviceAccount|token)\./;
  const keeping = /^audit\.(record|log|export|legalHold)\./;
  const changing = /\.(?!read$|explain$|simulate$)[a-zA-Z]+$/;

  // viewer: reads, without audit and tokens
  expect(matching('viewer', changing)).toEqual([]);
  expect(matching('viewer', keeping)).toEqual([]);
  expect(matching('viewer', /^tenancy\.token\./)).toEqual([]);
  // editor: no access objects, no audit
  expect(matching('editor', accessObjects)).toEqual([]);
  expect(matching('editor', keeping)).toEqual([]);
  // allocator: changes allocations and nothing else
  expect(matching('allocator', changing).every((name) => /^inventory\.(allocation|placement)\./.test(name))).toBe(true);
  // auditor: audit, and the way to it
  expect(held('auditor').filter((name) => !name.startsWith('audit.'))).toEqual([
    'tenancy.tenant.read',
    'tenancy.project.read',
    'tenancy.environment.read',
  ]);
  expect(matching('auditor', changing)).toEqual(['audit.export.create']);
  // admin: everything but the bindings of owners
  expect(held('owner').filter((name) => !held('admin').includes(name))).toEqual(['tenancy.roleBinding.grantOwner']);
  expect(held('break-glass')).toEqual(held('owner'));
  // tenants neither make nor end tenants, nor open the way in
  expect(matching('owner', /^tenancy\.tenant\./)).toEqual(['tenancy.tenant.read', 'tenancy.tenant.update']);
  // the platform's roles: operators and viewers have no access objects and no audit
  for (const role of ['platform-operator', 'platform-viewer'] as const) {
    expect([role, matching(role, accessObjects)]).toEqual([role, []]);
    expect([role, matching(role, keeping)]).toEqual([role, []]);
  }
  expect(matching('platform-viewer', changing)).toEqual([]);
  expect(held('platform-operator')).not.toContain('tenancy.tenant.breakGlass');
  // nothing that is the platform's is in a tenant's role
  expect(held('owner').filter((name) => name.startsWith('inventory.node.') || name.startsWith('system.'))).toEqual([]);
});

test('no role holds what it may not be bound near: a role’s permissions all work somewhere below its places', () => {
  for (const [role, def] of Object.entries(roles as Record<string, RoleDef>))
    for (const permission of def.permissions) {
      const works = columns.some((column) => column.role === role && /[A-Za-z]/.test(cell(column, permission)));
      expect([role, permission, works]).toEqual([role, permission, true]);
    }
});
