import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Database, Tx } from '@sentral/kernel/database';
import type { Query } from '@sentral/kernel/page';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';

/** What the caller may see, as uuids; null = everything. */
export interface Visible {
  readonly tenantIds: readonly string[];
  readonly projectIds: readonly string[];
  readonly environmentIds: readonly string[];
  /** What lies in no tenant is visible too. */
  readonly platform: boolean;
}

/** What a caller may see, for a statement that runs in a transaction of its own. */
export function visibleOf({ readScope }: Pick<Caller, 'readScope'>): Visible | null {
  if ('all' in readScope) return null;
  return {
    tenantIds: readScope.tenantIds.map((id) => decodeId('tnt', id)),
    projectIds: readScope.projectIds.map((id) => decodeId('prj', id)),
    environmentIds: readScope.environmentIds.map((id) => decodeId('env', id)),
    platform: readScope.platform === true,
  };
}

/** The same wall for a scope that is at hand. */
export function isVisible(
  visible: Visible | null,
  scope: { readonly id: string; readonly tenantId: string | null; readonly projectId: string | null },
): boolean {
  if (visible === null) return true;
  if (scope.tenantId === null) return visible.platform;
  return (
    visible.tenantIds.includes(scope.tenantId) ||
    (scope.projectId !== null && visible.projectIds.includes(scope.projectId)) ||
    visible.environmentIds.includes(scope.id)
  );
}

/**
 * Runs a read with the walls that fit the caller. Who sees one whole tenant and nothing else reads as `tenancy_read`, where the policies hold too;
 * a policy knows one tenant only, so every other caller reads across tenants and `visible` alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  caller: Caller,
  work: (on: Database | Tx, visible: Visible | null) => Promise<T>,
): Promise<T> {
  const visible = visibleOf(caller);
  if (visible === null) return work(deps.db.platform, null);
  const [tenant, ...others] = visible.tenantIds;
  if (
    tenant === undefined ||
    visible.platform ||
    others.length + visible.projectIds.length + visible.environmentIds.length > 0
  )
    return work(deps.db.platform, visible);
  return inTransaction(deps.db.read, (tx) => work(tx, visible), { settings: { 'sentral.tenant': tenant } });
}

/**
 * Adds what the caller may see of things that lie in a scope: `scope` is the alias of tenancy.scope joined to the thing.
 * Whatever the caller may not see is left out of the page, never taken out of it afterwards.
 */
export function onlyVisible(q: Query, scope: string, visible: Visible | null): void {
  if (visible === null) return;
  // Only what is named takes part: an OR over empty lists would cost the index of the others.
  const terms = (
    [
      ['tenant_id', visible.tenantIds],
      ['project_id', visible.projectIds],
      ['id', visible.environmentIds],
    ] as const
  )
    .filter(([, ids]) => ids.length > 0)
    .map(([column, ids]) => `${scope}.${column} = any(${q.value(ids)}::uuid[])`);
  if (visible.platform) terms.push(`${scope}.tenant_id is null`);
  q.and(terms.length === 0 ? 'false' : `(${terms.join(' or ')})`);
}
