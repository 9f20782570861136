import { platformScopeId, platformScopeUuid, type ScopeKind, type ScopeRow } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import type { Scope } from '@sentral/contracts/tenancy/scope';

/** A scope as its table has it. */
export interface StoredScope {
  readonly id: string;
  readonly kind: ScopeKind;
  readonly parentId: string | null;
  readonly parentKind: ScopeKind | null;
  readonly tenantId: string | null;
  readonly projectId: string | null;
  readonly name: string;
  readonly displayName: string | null;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly state: Scope['state'];
  /** While it is being deleted: what it goes back to when something still lives in it. */
  readonly revertsTo: Scope['state'] | null;
  readonly class: NonNullable<Scope['class']> | null;
  readonly expiresAt: Date | null;
  readonly protected: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt: Date | null;
  readonly purgeAt: Date | null;
}

const prefixOf = { tenant: 'tnt', project: 'prj', environment: 'env' } as const;

/** The id of a scope on the wire. */
export function scopeId(kind: ScopeKind, uuid: string): Scope['id'] {
  return kind === 'platform' ? platformScopeId : encodeId(prefixOf[kind], uuid);
}

/** The uuid of a scope whose id the boundary has checked. */
export function uuidOfScope(id: string): string {
  return id === platformScopeId ? platformScopeUuid : parseId(id).uuid;
}

/** The kind that an id of a scope names. */
export function kindOfScope(id: string): ScopeKind {
  if (id === platformScopeId) return 'platform';
  return id.startsWith('tnt_') ? 'tenant' : id.startsWith('prj_') ? 'project' : 'environment';
}

/** What the id of a kind begins with. */
export const prefixOfScope = (kind: ScopeKind): 'platform' | 'tnt' | 'prj' | 'env' =>
  kind === 'platform' ? 'platform' : prefixOf[kind];

/** A row as the contract says it; what is null in a row is absent in the contract. */
export function toScope(row: StoredScope): Scope {
  return {
    id: scopeId(row.kind, row.id),
    type: row.kind,
    version: row.version,
    ...(row.parentId === null || row.parentKind === null ? {} : { parentId: scopeId(row.parentKind, row.parentId) }),
    ...(row.tenantId === null ? {} : { tenantId: encodeId('tnt', row.tenantId) }),
    ...(row.projectId === null ? {} : { projectId: encodeId('prj', row.projectId) }),
    name: row.name,
    ...(row.displayName === null ? {} : { displayName: row.displayName }),
    labels: row.labels,
    annotations: row.annotations,
    state: row.state,
    ...(row.class === null ? {} : { class: row.class, protected: row.protected }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt.toISOString() }),
    ...(row.purgeAt === null ? {} : { purgeAt: row.purgeAt.toISOString() }),
  };
}

/** A scope with all that the projections of other contexts hold of it. */
export interface StoredProjection extends Pick<
  StoredScope,
  'id' | 'kind' | 'parentId' | 'parentKind' | 'tenantId' | 'state' | 'version'
> {
  readonly policyVersion: number;
  readonly policyBindings: readonly { id: string; key: string; value: unknown; lock: string; mode: string }[];
  readonly exemptions: readonly { id: string; key: string; expiresAt: string }[];
  readonly holds: readonly {
    id: string;
    resourceId: string | null;
    origin: string;
    reason: string;
    expiresAt: string | null;
  }[];
  readonly limits: readonly { dimension: string; limit: number }[];
}

const instant = (text: string): string => new Date(text).toISOString();

/** What the other contexts are told of a scope. */
export function toProjection(row: StoredProjection): ScopeRow {
  return {
    id: scopeId(row.kind, row.id),
    parentId: row.parentId === null || row.parentKind === null ? null : scopeId(row.parentKind, row.parentId),
    kind: row.kind,
    tenantId: row.tenantId === null ? null : encodeId('tnt', row.tenantId),
    state: row.state,
    version: row.version,
    policyVersion: row.policyVersion,
    policyBindings: row.policyBindings.map(({ id, key, value, lock, mode }) => ({
      id: encodeId('plb', id),
      key,
      value,
      lock: lock as 'default' | 'override',
      mode: mode as 'enforce' | 'audit',
    })),
    exemptions: row.exemptions.map(({ id, key, expiresAt }) => ({
      id: encodeId('pex', id),
      key,
      expiresAt: instant(expiresAt),
    })),
    holds: row.holds.map(({ id, resourceId, origin, reason, expiresAt }) => ({
      id: encodeId('hol', id),
      ...(resourceId === null ? {} : { resourceId }),
      origin,
      reason,
      ...(expiresAt === null ? {} : { expiresAt: instant(expiresAt) }),
    })),
    limits: row.limits.map(({ dimension, limit }) => ({ dimension, limit })),
  };
}
