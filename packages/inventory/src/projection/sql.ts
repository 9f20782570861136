// What this context knows of tenancy's scopes. Lock order: scope_view rows first of all, root first; for key share by whoever starts
// work in them. Applying a newer row does not wait for those (no key changes), so a busy scope cannot keep its own end away:
// from its commit on, whoever begins sees the new state. Whoever then counts takes the row for update and waits for those who
// had begun before (usage/sql.ts): so `deleting` and an allocation cannot pass each other. The counters whose caps move with
// a row come after it. READ COMMITTED.
import type { ScopeRow } from '@sentral/contracts/contract';
import { platformScopeId, platformScopeUuid } from '@sentral/contracts/contract';
import { parseId } from '@sentral/contracts/ids';
import { ownerOfDimension } from '@sentral/contracts/quota';
import { json, type Database, type Tx } from '@sentral/kernel/database';
import { lockName } from '@sentral/kernel/lease';

/** The turn of whoever sets a lien, or is about to delete what one may lie on. */
export const holdsName = 'holds';

/** The uuid of a scope whose id the boundary has checked. */
export const scopeUuid = (id: string): string => (id === platformScopeId ? platformScopeUuid : parseId(id).uuid);

export interface ScopeViewRow {
  readonly id: string;
  readonly kind: ScopeRow['kind'];
  readonly parentId: string | null;
  readonly tenantId: string | null;
  readonly state: ScopeRow['state'];
  readonly policyVersion: number;
  readonly policyBindings: NonNullable<ScopeRow['policyBindings']>;
  readonly exemptions: NonNullable<ScopeRow['exemptions']>;
}

/** Those of the rows that are newer here than what is known: mostly none, and then this is one read by key. */
export async function listNewer(
  on: Pick<Database | Tx, 'unsafe'>,
  scopes: readonly ScopeRow[],
): Promise<readonly ScopeRow[]> {
  if (scopes.length === 0) return [];
  const versions = await listVersions(
    on,
    scopes.map((scope) => scopeUuid(scope.id)),
  );
  return scopes.filter((scope) => scope.version > (versions.get(scopeUuid(scope.id)) ?? 0));
}

/** Applies rows, parent before child; the newer version stays, whoever comes when. */
export async function applyScopes(tx: Tx, scopes: readonly ScopeRow[]): Promise<void> {
  for (const scope of await listNewer(tx, scopes)) await upsertScope(tx, scope);
}

async function upsertScope(tx: Tx, scope: ScopeRow): Promise<void> {
  const id = scopeUuid(scope.id);
  if ((scope.holds ?? []).length > 0) await lockName(tx, 'inventory', holdsName);
  const limits = (scope.limits ?? []).filter(({ dimension }) => ownerOfDimension(dimension) === 'inventory');
  const rows = await tx.sql`
    insert into scope_view as s (id, kind, parent_id, tenant_id, state, version, policy_version, policy_bindings, exemptions, holds, limits)
    values (${id}::uuid, ${scope.kind}, ${scope.parentId === null ? null : scopeUuid(scope.parentId)}::uuid,
            ${scope.tenantId === null ? null : scopeUuid(scope.tenantId)}::uuid, ${scope.state}, ${scope.version}::int, ${scope.policyVersion ?? 0}::bigint,
            ${json(scope.policyBindings ?? [])}, ${json(scope.exemptions ?? [])}, ${json(scope.holds ?? [])}, ${json(limits)})
    on conflict (id) do update set state = excluded.state, version = excluded.version, policy_version = excluded.policy_version,
      policy_bindings = excluded.policy_bindings, exemptions = excluded.exemptions, holds = excluded.holds, limits = excluded.limits, updated_at = now()
      where s.version < excluded.version
    returning id`;
  if (rows.length > 0) await amendCaps(tx, id, limits);
}

/** The caps of a scope become its limits; one below use is no refusal: the overhang is written down, and nothing grows. */
async function amendCaps(
  tx: Tx,
  id: string,
  limits: readonly { readonly dimension: string; readonly limit: number }[],
): Promise<void> {
  const dimensions = limits.map((each) => each.dimension);
  await tx.sql`
    update quota_use set cap = null, over_by = 0
    where scope_id = ${id}::uuid and cap is not null and dimension <> all(${dimensions}::text[])`;
  if (limits.length === 0) return;
  await tx.sql`
    insert into quota_use as q (scope_id, dimension, cap)
    select ${id}::uuid, l.dimension, l.cap from unnest(${dimensions}::text[], ${limits.map((each) => each.limit)}::bigint[]) as l(dimension, cap)
    order by l.dimension
    on conflict (scope_id, dimension) do update set cap = excluded.cap, over_by = greatest(0, q.used - excluded.cap)`;
}

/**
 * The environment and what it lies in, root first, each for key share. Two statements: FOR KEY SHARE answers with the row as the
 * snapshot had it when only other columns than the key have changed since (docs/adr/0010), so what holds is read after the
 * lock is had.
 */
export async function lockScopePath(tx: Tx, environmentId: string): Promise<readonly ScopeViewRow[]> {
  const locked = await tx.sql<{ id: string }>`
    with recursive path as (
      select s.id, s.parent_id, 0 as up from scope_view s where s.id = ${environmentId}::uuid
      union all
      select s.id, s.parent_id, path.up + 1 from path join scope_view s on s.id = path.parent_id
    )
    select s.id from path join scope_view s on s.id = path.id order by path.up desc for key share of s`;
  return tx.sql<ScopeViewRow & object>`
    select s.id, s.kind, s.parent_id as "parentId", s.tenant_id as "tenantId", s.state, s.policy_version as "policyVersion",
      s.policy_bindings as "policyBindings", s.exemptions
    from unnest(${locked.map(({ id }) => id)}::uuid[]) with ordinality as w(id, place) join scope_view s on s.id = w.id order by w.place`;
}

/** Live liens on one thing, whatever scope they were set in. */
export async function listHolds(
  tx: Tx,
  resourceId: string,
): Promise<readonly { id: string; origin: string; reason: string }[]> {
  return tx.sql<{ id: string; origin: string; reason: string }>`
    select h.id, h.origin, h.reason from scope_view s
    cross join lateral jsonb_to_recordset(s.holds) as h(id text, "resourceId" text, origin text, reason text, "expiresAt" timestamptz)
    where s.holds <> '[]'::jsonb and h."resourceId" = ${resourceId} and (h."expiresAt" is null or h."expiresAt" > now())
    order by h.id limit 20`;
}

/** The versions that hold here, for who wants to know that its change has arrived. */
export async function listVersions(
  on: Pick<Database | Tx, 'unsafe'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await on.unsafe('select id, version from scope_view where id = any($1::uuid[])', [ids]);
  return new Map((rows as unknown as readonly { id: string; version: number }[]).map((row) => [row.id, row.version]));
}

/** The tenant that a scope lies in, as far as it is known here. */
export async function findTenantOf(on: Pick<Database | Tx, 'unsafe'>, scopeId: string): Promise<string | undefined> {
  const [row] = await on.unsafe('select tenant_id as "tenantId" from scope_view where id = $1::uuid', [scopeId]);
  return (row?.['tenantId'] ?? undefined) as string | undefined;
}
