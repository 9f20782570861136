// What else this context asks its projection of scopes; the rows come first of all locks, in the order of kernel/scopes/view.
// READ COMMITTED.
import type { ScopeViewRow } from '@sentral/kernel/scopes/view';
import { json, type Database, type Tx } from '@sentral/kernel/database';

/** The same as it is seen, for who decides nothing by it. */
export async function listScopePath(
  on: Pick<Database | Tx, 'sql'>,
  environmentId: string,
): Promise<readonly ScopeViewRow[]> {
  return on.sql<ScopeViewRow & object>`
    with recursive path as (
      select s.*, 0 as up from scope_view s where s.id = ${environmentId}::uuid
      union all
      select s.*, path.up + 1 from path join scope_view s on s.id = path.parent_id
    )
    select s.id, s.kind, s.parent_id as "parentId", s.tenant_id as "tenantId", s.state, s.policy_version as "policyVersion",
      s.policy_bindings as "policyBindings", s.exemptions
    from path s order by s.up desc`;
}

/** The state of a tenant that something is about to be dedicated to, its row for key share; undefined for one not heard of. */
export async function lockTenant(tx: Tx, id: string): Promise<ScopeViewRow['state'] | undefined> {
  await tx.sql`select from scope_view where id = ${id}::uuid and kind = 'tenant' for key share`;
  // In a statement of its own, for the reason of kernel/scopes/view.
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

/** The tenant that a scope lies in, as far as it is known here. */
export async function findTenantOf(on: Pick<Database | Tx, 'unsafe'>, scopeId: string): Promise<string | undefined> {
  const [row] = await on.unsafe('select tenant_id as "tenantId" from scope_view where id = $1::uuid', [scopeId]);
  return (row?.['tenantId'] ?? undefined) as string | undefined;
}
