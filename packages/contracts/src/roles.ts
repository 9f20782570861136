import type { ScopeKind } from './contract.js';
import { permissions, reachOf, type Permission } from './permissions.js';

/** A system role: which scopes it may be bound on, and what it holds there and below. Immutable, in code. */
export interface RoleDef {
  readonly title: string;
  readonly boundOn: readonly ScopeKind[];
  readonly permissions: readonly Permission[];
}

const inside = (permission: Permission): boolean => reachOf(permission) !== 'platform';
const named = (...patterns: readonly RegExp[]) =>
  permissions.filter((p) => patterns.some((pattern) => pattern.test(p)));
const union = (...lists: readonly (readonly Permission[])[]): readonly Permission[] => {
  const held = new Set(lists.flat());
  return permissions.filter((p) => held.has(p));
};

const accessObjects = /^tenancy\.(user|roleBinding|denyRule|serviceAccount|token)\./;
// The stream of public events is not audit: it tells who may read a thing that it has changed.
const auditing = /^audit\.(record|personal|redaction|log|export|legalHold)\./;
const reading = /\.(read|explain|simulate)$/;

// What tenants may do to themselves, without making or ending tenants, nor deciding on what differs: that is the platform's.
const ownTenant = (p: Permission): boolean =>
  !/^(tenancy\.tenant\.(create|delete|suspend|resume|restore|breakGlass)|inventory\.finding\.(accept|repair|resolve))$/.test(
    p,
  );

const owner = permissions.filter((p) => inside(p) && ownTenant(p));
const admin = owner.filter((p) => p !== 'tenancy.roleBinding.grantOwner');
const viewer = owner.filter((p) => reading.test(p) && !auditing.test(p) && !p.startsWith('tenancy.token.'));

// Approving, waiving and abandoning are the second person's: they end what a policy or a failure has stopped.
const working = owner.filter((p) => /^(inventory|task)\./.test(p) && !/^task\.task\.(approve|waive|abandon)$/.test(p));
const editor = union(
  viewer.filter((p) => !accessObjects.test(p)),
  working,
  named(/^tenancy\.((project|environment)\.(create|update)|environment\.empty)$/),
);

const allocator = union(
  named(/^tenancy\.(tenant|project|environment|policy|exemption|quota|usage|hold)\.read$/, /^audit\.event\.read$/),
  named(/^inventory\.(allocation|placement|refusal)\./),
);

const auditor = union(
  named(/^audit\.(record|log|event|export|legalHold)\.read$/, /^audit\.export\.create$/),
  // The way to the scopes whose audit it is: without it every one of them would be missing.
  named(/^tenancy\.(tenant|project|environment)\.read$/),
);

// Things that lie in a scope, where that scope is the platform itself.
const ofThePlatform =
  /^(tenancy\.(policy|exemption|quota|usage|hold|access|roleBinding|denyRule|serviceAccount|token)|audit\.(record|personal|log|export|legalHold|event)|task\.task)\./;
const platformAdmin = permissions.filter(
  (p) => (reachOf(p) !== 'scope' || ofThePlatform.test(p)) && p !== 'tenancy.roleBinding.grantOwner',
);
const platformOperator = platformAdmin.filter(
  (p) => !accessObjects.test(p) && !auditing.test(p) && p !== 'tenancy.tenant.breakGlass',
);
const platformViewer = platformOperator.filter(
  (p) => reading.test(p) && !/^tenancy\.(access|policy)\.(explain|simulate)$/.test(p),
);

/**
 * Every role there is. A platform role holds permissions on things of the platform; that it ends at the tenant border
 * is the evaluator's rule, not the list's.
 */
export const roles = {
  'platform-admin': {
    title: 'Everything of the platform, its access objects and its audit; nothing inside a tenant.',
    boundOn: ['platform'],
    permissions: platformAdmin,
  },
  'platform-operator': {
    title: 'Runs the platform: nodes, pools, gates, dead letters, tenants; no access objects, no audit.',
    boundOn: ['platform'],
    permissions: platformOperator,
  },
  'platform-viewer': {
    title: 'Sees the platform: nodes, pools, the list of tenants; no access objects, no audit.',
    boundOn: ['platform'],
    permissions: platformViewer,
  },
  'break-glass': {
    title: 'What an owner holds, for at most four hours and with a reason: the one way over the tenant border.',
    boundOn: ['tenant'],
    permissions: owner,
  },
  owner: {
    title: 'Everything below, including bindings and the quotas of children.',
    boundOn: ['tenant', 'project'],
    permissions: owner,
  },
  admin: {
    title: 'Everything but the bindings of owners.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: admin,
  },
  editor: {
    title: 'Resources, allocations and tasks; no access objects.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: editor,
  },
  allocator: {
    title: 'Allocations, not topology.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: allocator,
  },
  viewer: {
    title: 'Reads, without audit and tokens.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: viewer,
  },
  auditor: {
    title: 'Audit, and the way to it.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: auditor,
  },
} as const satisfies { readonly [key: string]: RoleDef };

export type RoleKey = keyof typeof roles;

/** Every role's key, for schemas and loops. */
export const roleKeys = Object.keys(roles) as RoleKey[];

/** What a role holds; nothing for a key that this version does not know. */
export function permissionsOfRole(key: string): readonly Permission[] {
  return Object.hasOwn(roles, key) ? roles[key as RoleKey].permissions : [];
}
