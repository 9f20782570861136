import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';

export type On = Pick<Database, 'unsafe'>;

/** What the caller may see, as uuids; `all` sees every log. */
export type Visible =
  | 'all'
  | {
      readonly tenantIds: readonly string[];
      readonly projectIds: readonly string[];
      readonly environmentIds: readonly string[];
      /** The log of the platform too. */
      readonly platform: boolean;
    };

export function visibleOf({ readScope }: Pick<Caller, 'readScope'>): Visible {
  if ('all' in readScope) return 'all';
  return {
    tenantIds: readScope.tenantIds.map((id) => decodeId('tnt', id)),
    projectIds: readScope.projectIds.map((id) => decodeId('prj', id)),
    environmentIds: readScope.environmentIds.map((id) => decodeId('env', id)),
    platform: readScope.platform === true,
  };
}

/**
 * Runs a read with the walls that fit the caller. Who sees one whole tenant and nothing else reads as `audit_read`, where the policies hold too;
 * a policy knows one tenant only, so every other caller reads across tenants and the read scope in the statement alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  caller: Caller,
  work: (on: On, visible: Visible) => Promise<T>,
): Promise<T> {
  const visible = visibleOf(caller);
  if (visible === 'all') return work(deps.db.platform, visible);
  const [tenant, ...others] = visible.tenantIds;
  if (
    tenant === undefined ||
    visible.platform ||
    others.length + visible.projectIds.length + visible.environmentIds.length > 0
  )
    return work(deps.db.platform, visible);
  return inTransaction(deps.db.read, (tx) => work(tx, visible), { settings: { 'sentral.tenant': tenant } });
}
