import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Database, Tx } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';
import type { Visible } from './scope/sql.js';

/**
 * Runs a read with the walls that fit the caller. Who sees one whole tenant and nothing else reads as `tenancy_read`, where the policies hold too;
 * a policy knows one tenant only, so every other caller reads across tenants and `visible` alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  caller: Caller,
  work: (on: Database | Tx, visible: Visible | null) => Promise<T>,
): Promise<T> {
  const { readScope } = caller;
  if ('all' in readScope) return work(deps.db.platform, null);
  const visible: Visible = {
    tenantIds: readScope.tenantIds.map((id) => decodeId('tnt', id)),
    projectIds: readScope.projectIds.map((id) => decodeId('prj', id)),
    environmentIds: readScope.environmentIds.map((id) => decodeId('env', id)),
  };
  const [tenant, ...others] = visible.tenantIds;
  if (tenant === undefined || others.length + visible.projectIds.length + visible.environmentIds.length > 0)
    return work(deps.db.platform, visible);
  return inTransaction(deps.db.read, (tx) => work(tx, visible), { settings: { 'sentral.tenant': tenant } });
}
