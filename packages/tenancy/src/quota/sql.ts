// Lock order: the scope first, then its counter, then limits by id (scope/sql.ts).
import type { ScopeKind } from '@sentral/contracts/contract';
import type { QuotaLimit, QuotaUse } from '@sentral/contracts/tenancy/quota';
import type { Database, Tx } from '@sentral/kernel/database';
import { scopeId, type StoredScope } from '../scope/row.js';
import { shared, tenantOf, type Noun, type Stored } from '../scoped.js';

export interface LimitRow extends Stored {
  readonly dimension: string;
  readonly limit: number;
}

export const limits: Noun<'qta', LimitRow, QuotaLimit> = {
  name: 'quotaLimit',
  prefix: 'qta',
  table: 'tenancy.quota_limit',
  columns: 'x.dimension, x.bound as "limit"',
  to: (row) => ({
    ...shared(row, 'qta', 'quotaLimit'),
    ...tenantOf(row),
    dimension: row.dimension,
    limit: row.limit,
  }),
};

export async function insertLimit(
  tx: Tx,
  limit: { id: string; scope: StoredScope; dimension: string; limit: number },
): Promise<void> {
  const { scope } = limit;
  await tx.sql`
    insert into tenancy.quota_limit (id, scope_id, scope_kind, tenant_id, dimension, bound)
    values (${limit.id}::uuid, ${scope.id}::uuid, ${scope.kind}, ${scope.tenantId}::uuid, ${limit.dimension}, ${limit.limit}::bigint)`;
}

export async function amendLimitRow(tx: Tx, id: string, limit: number): Promise<void> {
  await tx.sql`
    update tenancy.quota_limit set bound = ${limit}::bigint, version = version + 1, updated_at = now() where id = ${id}::uuid`;
}

/**
 * Moves the cap of a counter that is tenancy's own; null lifts it. A cap below use is no refusal: the overhang is written
 * down, and nothing grows until it is gone.
 */
export async function upsertQuotaCap(
  tx: Tx,
  scope: string,
  { dimension, cap }: { dimension: string; cap: number | null },
): Promise<void> {
  await tx.sql`
    insert into tenancy.quota_use as q (scope_id, dimension, cap) values (${scope}::uuid, ${dimension}, ${cap}::bigint)
    on conflict (scope_id, dimension) do update set cap = excluded.cap, over_by = greatest(0, q.used - coalesce(excluded.cap, q.used))`;
}

export interface Taking {
  readonly scopeId: string;
  readonly dimension: string;
}

export interface CounterRow {
  readonly scopeId: string;
  readonly kind: ScopeKind;
  readonly dimension: string;
  readonly used: number;
  readonly cap: number | null;
}

/** For update, tenant before project: the last lock of whoever makes or ends a scope. Rows that are missing are made. */
export async function lockCounters(tx: Tx, takings: readonly Taking[]): Promise<readonly CounterRow[]> {
  const scopes = takings.map((taking) => taking.scopeId);
  const dimensions = takings.map((taking) => taking.dimension);
  await tx.sql`
    insert into tenancy.quota_use (scope_id, dimension)
    select t.scope_id, t.dimension from unnest(${scopes}::uuid[], ${dimensions}::text[]) as t(scope_id, dimension)
    on conflict (scope_id, dimension) do nothing`;
  return tx.sql<CounterRow & object>`
    select q.scope_id as "scopeId", s.kind, q.dimension, q.used, q.cap
    from unnest(${scopes}::uuid[], ${dimensions}::text[]) as t(scope_id, dimension)
    join tenancy.quota_use q on q.scope_id = t.scope_id and q.dimension = t.dimension join tenancy.scope s on s.id = q.scope_id
    order by array_position(array['tenant', 'project'], s.kind), q.scope_id, q.dimension for update of q`;
}

/** One more, or one less, of what was locked. */
export async function amendCounters(tx: Tx, takings: readonly Taking[], by: 1 | -1): Promise<void> {
  await tx.sql`
    update tenancy.quota_use q set used = q.used + ${by}::int,
      over_by = case when ${by}::int < 0 then greatest(0, q.used + ${by}::int - coalesce(q.cap, q.used)) else q.over_by end
    from unnest(${takings.map((t) => t.scopeId)}::uuid[], ${takings.map((t) => t.dimension)}::text[]) as t(scope_id, dimension)
    where q.scope_id = t.scope_id and q.dimension = t.dimension`;
}

/** What a scope uses of tenancy's dimensions; the platform has no counters, so what its tenants use is summed. */
export async function listOwnUse(on: Database, id: string): Promise<readonly QuotaUse[]> {
  const rows = await on.unsafe(
    `select q.scope_id as "scopeId", s.kind, q.dimension, q.used, q.cap, q.over_by as "overBy"
     from tenancy.scope s join tenancy.quota_use q on q.scope_id = s.id where s.id = $1::uuid
     union all
     select p.id, p.kind, q.dimension, sum(q.used)::bigint, null, 0
     from tenancy.scope p join tenancy.scope s on s.parent_id = p.id join tenancy.quota_use q on q.scope_id = s.id
     where p.id = $1::uuid and p.kind = 'platform' group by p.id, p.kind, q.dimension
     order by 3`,
    [id],
  );
  return (rows as unknown as readonly StoredUse[]).map(toUse);
}

/** What the children of a scope use. */
export async function listChildUse(on: Database, id: string, limit: number): Promise<readonly QuotaUse[]> {
  const rows = await on.unsafe(
    `select q.scope_id as "scopeId", s.kind, q.dimension, q.used, q.cap, q.over_by as "overBy"
     from tenancy.scope s join tenancy.quota_use q on q.scope_id = s.id where s.parent_id = $1::uuid
     order by s.id, q.dimension limit $2`,
    [id, limit],
  );
  return (rows as unknown as readonly StoredUse[]).map(toUse);
}

type StoredUse = CounterRow & { readonly overBy: number };

const toUse = (row: StoredUse): QuotaUse => ({
  scopeId: scopeId(row.kind, row.scopeId),
  dimension: row.dimension,
  used: row.used,
  ...(row.cap === null ? {} : { limit: row.cap }),
  overBy: row.overBy,
});
