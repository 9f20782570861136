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

const accessObjects = /^tenancy\.(roleBinding|denyRule|serviceAccount|token)\./;
const auditing = /^audit\.(record|log|export|legalHold)\./;
const reading = /\.(read|explain|simulate)$/;

// What tenants may do to themselves, without making or ending tenants: that is the platform's.
const ownTenant = (p: Permission): boolean =>
  !/^tenancy\.tenant\.(create|delete|suspend|resume|restore|breakGlass)$/.test(p);

const everythingInside = permissions.filter((p) => inside(p) && ownTenant(p));
const admin = everythingInside.filter(
  (p) => p !== 'audit.record.redact' && !/^audit\.legalHold\.(create|update|delete)$/.test(p),
);
const resources = /^(inventory|task)\./;
const viewer = everythingInside.filter((p) => reading.test(p) && !auditing.test(p) && !p.startsWith('tenancy.token.'));

const editor = [
  ...new Set([
    ...viewer,
    ...everythingInside.filter((p) => resources.test(p) && !/^task\.task\.(approve|waive|abandon)$/.test(p)),
    ...named(/^tenancy\.(project|environment)\.(create|update)$/),
  ]),
].filter((p) => !accessObjects.test(p));

const allocator = [
  ...new Set([...viewer.filter((p) => !accessObjects.test(p)), ...named(/^inventory\.(allocation|placement)\./)]),
];

const onPlatform = permissions.filter((p) => reachOf(p) === 'platform' || reachOf(p) === 'tenant');
const platformScoped =
  /^(tenancy\.(policy|exemption|quota|usage|hold|access|roleBinding|denyRule|serviceAccount|token)|audit\.(record|log|export|legalHold|event)|task\.task)\./;
const platformViewer = [
  ...onPlatform.filter((p) => reading.test(p)),
  ...named(/^tenancy\.(policy|exemption|quota|usage|hold)\.read$/, /^task\.task\.read$/, /^audit\.event\.read$/),
];

/**
 * Every role there is. A platform role holds permissions on things of the platform; that it ends at the tenant border
 * is the evaluator's rule, not the list's.
 */
export const roles = {
  'platform-admin': {
    title: 'Everything of the platform, its access objects and its audit; nothing inside a tenant.',
    boundOn: ['platform'],
    permissions: [...new Set([...onPlatform, ...permissions.filter((p) => platformScoped.test(p))])],
  },
  'platform-operator': {
    title: 'Runs the platform: nodes, pools, gates, dead letters, tenants; no access objects.',
    boundOn: ['platform'],
    permissions: [
      ...new Set([
        ...platformViewer,
        ...onPlatform.filter((p) => !/^tenancy\.(user\.|tenant\.breakGlass$)/.test(p)),
        ...permissions.filter((p) => platformScoped.test(p) && !accessObjects.test(p) && !auditing.test(p)),
      ]),
    ],
  },
  'platform-viewer': {
    title: 'Sees the platform: nodes, pools, the list of tenants; no access objects, no audit.',
    boundOn: ['platform'],
    permissions: [...new Set(platformViewer)],
  },
  'break-glass': {
    title: 'What an owner holds, for at most four hours and with a reason: the one way over the tenant border.',
    boundOn: ['tenant'],
    permissions: everythingInside,
  },
  owner: {
    title: 'Everything below, including bindings and the quotas of children.',
    boundOn: ['tenant', 'project'],
    permissions: everythingInside,
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
    title: 'Audit.',
    boundOn: ['tenant', 'project', 'environment'],
    permissions: [
      ...named(/^audit\.(record|log|event|export)\.read$/, /^audit\.export\.create$/, /^audit\.legalHold\.read$/),
      ...named(/^tenancy\.(tenant|project|environment)\.read$/),
    ],
  },
} as const satisfies { readonly [key: string]: RoleDef };

export type RoleKey = keyof typeof roles;

/** Every role's key, for schemas and loops. */
export const roleKeys = Object.keys(roles) as RoleKey[];

/** What a role holds; nothing for a key that this version does not know. */
export function permissionsOfRole(key: string): readonly Permission[] {
  return Object.hasOwn(roles, key) ? roles[key as RoleKey].permissions : [];
}
