import { platformScopeId, platformScopeUuid, type ScopeKind } from '@sentral/contracts/contract';
import { encodeId, parseId, type Id } from '@sentral/contracts/ids';
import type { Scope } from '@sentral/contracts/tenancy';

export interface ScopeRow {
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

/** A row as the contract says it; what is null in a row and optional in the contract is absent. */
export function scopeFromRow(row: ScopeRow): Scope {
  return {
    id: scopeId(row.kind, row.id),
    kind: row.kind,
    parentId: row.parentId === null || row.parentKind === null ? null : scopeId(row.parentKind, row.parentId),
    tenantId: idOrNull('tnt', row.tenantId),
    projectId: idOrNull('prj', row.projectId),
    name: row.name,
    ...(row.displayName === null ? {} : { displayName: row.displayName }),
    labels: row.labels,
    annotations: row.annotations,
    state: row.state,
    ...(row.class === null ? {} : { class: row.class }),
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.toISOString() }),
    protected: row.protected,
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    ...(row.deletedAt === null ? {} : { deletedAt: row.deletedAt.toISOString() }),
    ...(row.purgeAt === null ? {} : { purgeAt: row.purgeAt.toISOString() }),
  };
}

function idOrNull<P extends 'tnt' | 'prj'>(prefix: P, uuid: string | null): Id<P> | null {
  return uuid === null ? null : encodeId(prefix, uuid);
}
