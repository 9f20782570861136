// What this context knows of tenancy's scopes. Lock order: scope_view rows first of all, root first, for key share; applying a newer
// state takes the row for update, so `deleting` and an allocation cannot pass each other.
import { decodeId } from '@sentral/contracts/ids';
import { platformScopeId, platformScopeUuid, type ScopeRow } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';

export interface ScopeViewRow {
  readonly id: string;
  readonly kind: string;
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly state: string;
  readonly depth: number;
}

const prefixes = ['tnt', 'prj', 'env'] as const;
const scopeUuid = (id: string): string => {
  if (id === platformScopeId) return platformScopeUuid;
  const prefix = prefixes.find((each) => id.startsWith(`${each}_`));
  if (prefix === undefined) throw new TypeError(`${id} is the id of no scope`);
  return decodeId(prefix, id);
};

/** Applies what the caller brought along where it is newer: a scope made a moment ago works at once. */
export async function upsertScopes(tx: Tx, scopes: readonly ScopeRow[]): Promise<void> {
  for (const scope of scopes) {
    await tx.sql`
      insert into scope_view as s (id, kind, parent_id, tenant_id, state, version)
      values (${scopeUuid(scope.id)}::uuid, ${scope.kind}, ${scope.parentId === null ? null : scopeUuid(scope.parentId)}::uuid,
              ${scope.tenantId === null ? null : scopeUuid(scope.tenantId)}::uuid, ${scope.state}, ${scope.version}::int)
      on conflict (id) do update set state = excluded.state, version = excluded.version, parent_id = excluded.parent_id, updated_at = now()
        where s.version < excluded.version`;
  }
}

/** The environment and what it lies in, root first, each for key share. */
export async function lockScopePath(tx: Tx, environmentId: string): Promise<readonly ScopeViewRow[]> {
  return tx.sql<ScopeViewRow & object>`
    with recursive path as (
      select s.id, s.parent_id, 0 as up from scope_view s where s.id = ${environmentId}::uuid
      union all
      select s.id, s.parent_id, path.up + 1 from path join scope_view s on s.id = path.parent_id
    )
    select s.id, s.kind, s.parent_id as "parentId", s.tenant_id as "tenantId", s.state, path.up as depth
    from path join scope_view s on s.id = path.id order by path.up desc for key share of s`;
}
