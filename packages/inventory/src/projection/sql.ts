// What this context knows of tenancy's scopes. Lock order: scope_view rows first of all, root first; for key share by whoever starts
// work in them. Applying a newer row does not wait for those (no key changes), so a busy scope cannot keep its own end away:
// from its commit on, whoever begins sees the new state. Whoever then counts takes the row for update and waits for those who
// had begun before (usage/sql.ts): so `deleting` and an allocation cannot pass each other. The counters whose caps move with
// rows come after all of them, in the order of quota/sql.ts. The turn of the holds is taken before the first row. READ COMMITTED.
import type { ScopeRow } from '@sentral/contracts/contract';
import { platformScopeId, platformScopeUuid, scopeKinds } from '@sentral/contracts/contract';
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
  const newer = (await listNewer(tx, scopes)).toSorted(
    (a, b) => scopeKinds.indexOf(a.kind) - scopeKinds.indexOf(b.kind) || (a.id < b.id ? -1 : 1),
  );
  if (newer.some(({ holds = [] }) => holds.length > 0)) await lockName(tx, 'inventory', holdsName);
  const applied: ScopeRow[] = [];
  for (const scope of newer) if (await upsertScope(tx, scope)) applied.push(scope);
  if (applied.length > 0) await amendCaps(tx, applied);
}

const limitsOf = (scope: ScopeRow) =>
  (scope.limits ?? []).filter(({ dimension }) => ownerOfDimension(dimension) === 'inventory');

/** @returns whether it was newer */
async function upsertScope(tx: Tx, scope: ScopeRow): Promise<boolean> {
  const rows = await tx.sql`
    insert into scope_view as s (id, kind, parent_id, tenant_id, state, version, policy_version, policy_bindings, exemptions, holds, limits)
    values (${scopeUuid(scope.id)}::uuid, ${scope.kind}, ${scope.parentId === null ? null : scopeUuid(scope.parentId)}::uuid,
            ${scope.tenantId === null ? null : scopeUuid(scope.tenantId)}::uuid, ${scope.state}, ${scope.version}::int, ${scope.policyVersion ?? 0}::bigint,
            ${json(scope.policyBindings ?? [])}, ${json(scope.exemptions ?? [])}, ${json(scope.holds ?? [])}, ${json(limitsOf(scope))})
    on conflict (id) do update set state = excluded.state, version = excluded.version, policy_version = excluded.policy_version,
      policy_bindings = excluded.policy_bindings, exemptions = excluded.exemptions, holds = excluded.holds, limits = excluded.limits, updated_at = now()
      where s.version < excluded.version
    returning id`;
  return rows.length > 0;
}

/**
 * The caps of scopes become their limits; one below use is no refusal: the overhang is written down, and nothing grows. All
 * counters concerned are locked first, in the one order: those that lose their cap and those that get one.
 */
async function amendCaps(tx: Tx, scopes: readonly ScopeRow[]): Promise<void> {
  const ids = scopes.map(({ id }) => scopeUuid(id));
  const caps = scopes.flatMap((scope) => limitsOf(scope).map((limit) => ({ ...limit, id: scopeUuid(scope.id) })));
  const [of, dimensions, limits] = [
    caps.map(({ id }) => id),
    caps.map(({ dimension }) => dimension),
    caps.map(({ limit }) => limit),
  ];
  await tx.sql`
    select from unnest(${ids}::uuid[]) with ordinality as w(id, place) join quota_use q on q.scope_id = w.id
    order by w.place, q.dimension for update of q`;
  await tx.sql`
    update quota_use q set cap = null, over_by = 0
    where q.scope_id = any(${ids}::uuid[]) and q.cap is not null
      and not exists (select from unnest(${of}::uuid[], ${dimensions}::text[]) as l(id, dimension) where l.id = q.scope_id and l.dimension = q.dimension)`;
  await tx.sql`
    insert into quota_use as q (scope_id, dimension, cap)
    select l.id, l.dimension, l.cap from unnest(${of}::uuid[], ${dimensions}::text[], ${limits}::bigint[]) as l(id, dimension, cap)
    order by array_position(${ids}::uuid[], l.id), l.dimension
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

/** The same for who decides nothing: as it is now, nothing locked. */
export async function listScopePath(
  on: Pick<Database | Tx, 'unsafe'>,
  environmentId: string,
): Promise<readonly ScopeViewRow[]> {
  const rows = await on.unsafe(
    `with recursive path as (
       select s.*, 0 as up from scope_view s where s.id = $1::uuid
       union all
       select s.*, path.up + 1 from path join scope_view s on s.id = path.parent_id
     )
     select id, kind, parent_id as "parentId", tenant_id as "tenantId", state, policy_version as "policyVersion",
       policy_bindings as "policyBindings", exemptions from path order by up desc`,
    [environmentId],
  );
  return rows as unknown as readonly ScopeViewRow[];
}

/** The state of a tenant that something is about to be dedicated to, its row for key share; undefined for one not heard of. */
export async function lockTenant(tx: Tx, id: string): Promise<ScopeViewRow['state'] | undefined> {
  await tx.sql`select from scope_view where id = ${id}::uuid and kind = 'tenant' for key share`;
  // In a statement of its own, for the reason of lockScopePath.
  const [row] = await tx.sql<{ state: ScopeViewRow['state'] }>`
    select state from scope_view where id = ${id}::uuid and kind = 'tenant'`;
  return row?.state;
}

/** Live liens on one thing, whatever scope they were set in. */
export async function listHolds(
  tx: Tx,
  resourceId: string,
): Promise<readonly { id: string; origin: string; reason: string }[]> {
  return tx.sql<{ id: string; origin: string; reason: string }>`
    select h.id, h.origin, h.reason from scope_view s
    cross join lateral jsonb_to_recordset(s.holds) as h(id text, "resourceId" text, origin text, reason text, "expiresAt" timestamptz)
    where s.holds <> '[]'::jsonb and s.holds @> ${json([{ resourceId }])} and h."resourceId" = ${resourceId} and (h."expiresAt" is null or h."expiresAt" > now())
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
