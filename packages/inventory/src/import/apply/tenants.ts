// The rows of the tenants come first of all locks, as everywhere in this context (projection/sql.ts).
import type { ScopeRow } from '@sentral/contracts/contract';
import type { Tx } from '@sentral/kernel/database';
import type { OwnResource } from '../change-set.js';
import type { NamedTenant } from '../tenants.js';
import { refusal, type Known, type Refusal } from './plan.js';

export type Tenants = ReadonlyMap<string, NamedTenant>;

/**
 * The tenants of a file as this transaction may rely on them: locked for key share, so that a tenant's end waits until what lies
 * in it can be counted; then read, since the lock answers with the row as it was (docs/adr/0010).
 */
export async function lockTenants(tx: Tx, named: readonly NamedTenant[]): Promise<Tenants> {
  const ids = named.flatMap((tenant) => (tenant.problem === undefined ? [tenant.id] : []));
  if (ids.length > 0) await tx.sql`select id from scope_view where id = any(${ids}::uuid[]) order by id for key share`;
  const rows = await tx.sql<{ id: string; state: ScopeRow['state'] }>`
    select id, state from scope_view where id = any(${ids}::uuid[])`;
  const states = new Map(rows.map(({ id, state }) => [id, state]));
  return new Map(
    named.map((tenant) => [
      tenant.key,
      // A dry run's new tenant is in no projection.
      tenant.problem === undefined ? { ...tenant, state: states.get(tenant.id) ?? tenant.state } : tenant,
    ]),
  );
}

/**
 * Whether a row may lie in the tenant that it names. Nothing new begins in a tenant that is not active, and nothing is handed to it;
 * what lies in it already is kept up to date.
 */
export function tenantFault(resource: OwnResource, known: Known | undefined, tenants: Tenants): Refusal | undefined {
  const key = 'tenant' in resource ? resource.tenant : undefined;
  if (key === undefined) return undefined;
  const tenant = tenants.get(key);
  if (tenant === undefined) return refusal('reference-not-found', `its tenant ${key} is not in the file`);
  if (tenant.problem !== undefined)
    return refusal('reference-not-found', `its tenant ${key} was refused: ${tenant.problem.detail}`);
  if (tenant.state === 'active' || known?.tenantId === tenant.id) return undefined;
  return refusal('scope-not-active', `its tenant ${key} is ${tenant.state}`);
}
