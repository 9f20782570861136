import type { AccessSnapshot, ScopeRef } from '@sentral/contracts/access';
import { platformScopeUuid, type GroupRef, type ScopeKind } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { permissionsOfRole } from '@sentral/contracts/roles';
import { meets, type StoredSubject } from '../deny-rule/rules.js';
import type { StoredScope } from '../scope/row.js';
import { scopeId } from '../scope/row.js';

/** A scope as far as a decision needs it, as the tables have it. */
export type StoredScopeRef = Pick<StoredScope, 'id' | 'kind' | 'parentId' | 'parentKind' | 'tenantId'>;

/** A live binding of a principal or one of its groups. Times come as text: they come out of JSON. */
export interface StoredGrant {
  readonly id: string;
  readonly role: string;
  readonly expiresAt: string | null;
  readonly scope: StoredScopeRef;
}

export interface StoredDeny {
  readonly id: string;
  readonly scopeId: string;
  readonly scopeKind: ScopeKind;
  readonly permissions: readonly string[];
  readonly subjects: readonly StoredSubject[] | null;
  readonly exceptions: readonly StoredSubject[];
}

/** One principal with all that decides what it may do, of one moment. */
export interface StoredAccess {
  readonly id: string;
  readonly kind: 'user' | 'service';
  readonly state: 'active' | 'disabled' | 'removed' | 'erased';
  readonly displayName: string | null;
  readonly tenantId: string | null;
  readonly tokenId: string | null;
  readonly tokenPermissions: readonly string[] | null;
  readonly tokenScope: StoredScopeRef | null;
  /** By its own end, or by the overlap of a rotation. */
  readonly tokenEndsAt: Date | null;
  readonly tokenExpired: boolean | null;
  readonly tokenRevoked: boolean;
  readonly secretSha256: Uint8Array | null;
  /** Its last use was noted so long ago that it is to be noted again. */
  readonly useIsOld: boolean;
  readonly epoch: number;
  readonly grants: readonly StoredGrant[];
  readonly denies: readonly StoredDeny[];
}

/** A grant with the time at which it ends by itself. */
export interface HeldGrant {
  readonly id: string;
  readonly role: string;
  readonly scope: ScopeRef;
  readonly permissions: readonly string[];
  readonly expiresAt: Date | null;
}

/** What a principal holds: a snapshot whose grants know their end. */
export type Holding = Omit<AccessSnapshot, 'grants' | 'denies'> & {
  readonly grants: readonly HeldGrant[];
  readonly denies: AccessSnapshot['denies'];
};

export function toRef(row: StoredScopeRef): ScopeRef {
  return {
    id: scopeId(row.kind, row.id),
    kind: row.kind,
    parentId: row.parentId === null || row.parentKind === null ? null : scopeId(row.parentKind, row.parentId),
    tenantId: row.tenantId === null ? null : encodeId('tnt', row.tenantId),
  };
}

/** Where a thing lies that names its scope, and the project and tenant above it. */
export function placeOf(row: {
  readonly scopeId: string;
  readonly scopeKind: ScopeKind;
  readonly tenantId: string | null;
  readonly projectId: string | null;
}): ScopeRef {
  const parentKind = ({ platform: null, tenant: 'platform', project: 'tenant', environment: 'project' } as const)[
    row.scopeKind
  ];
  const parentId = { platform: null, tenant: platformScopeUuid, project: row.tenantId, environment: row.projectId }[
    row.scopeKind
  ];
  return toRef({ id: row.scopeId, kind: row.scopeKind, parentId, parentKind, tenantId: row.tenantId });
}

/** What the row says its principal holds; its groups decide, too, which of the rules in reach meet it. */
export function toHolding(row: StoredAccess, groups: readonly GroupRef[]): Holding {
  const who = { id: principalId(row.kind, row.id), groups };
  const permissions = row.tokenPermissions === null ? {} : { permissions: [...row.tokenPermissions] };
  const scope = row.tokenScope === null ? {} : { scope: toRef(row.tokenScope) };
  return {
    epoch: row.epoch,
    grants: row.grants.map((grant) => ({
      id: encodeId('rbd', grant.id),
      role: grant.role,
      scope: toRef(grant.scope),
      permissions: permissionsOfRole(grant.role),
      expiresAt: grant.expiresAt === null ? null : new Date(grant.expiresAt),
    })),
    denies: row.denies
      .filter((rule) => meets(rule, who))
      .map((rule) => ({
        id: encodeId('dny', rule.id),
        scopeId: scopeId(rule.scopeKind, rule.scopeId) as AccessSnapshot['denies'][number]['scopeId'],
        permissions: [...rule.permissions],
      })),
    ...(row.tokenId === null ? {} : { token: { ...permissions, ...scope } }),
  };
}

/** The snapshot as others get it. */
export function toSnapshot({ epoch, grants, denies, token }: Holding): AccessSnapshot {
  return {
    epoch,
    grants: grants.map(({ id, scope, permissions, role }) => ({
      id,
      scope,
      permissions: [...permissions],
      ...(role === 'break-glass' ? { breakGlass: true as const } : {}),
    })),
    denies: [...denies],
    ...(token === undefined ? {} : { token }),
  };
}

/** The id of a principal on the wire. */
export const principalId = (kind: 'user' | 'service', uuid: string) =>
  kind === 'user' ? encodeId('usr', uuid) : encodeId('sac', uuid);
