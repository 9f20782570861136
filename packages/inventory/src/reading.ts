import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Database } from '@sentral/kernel/database';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from './deps.js';

export { page, query, readCursor, sorted, type Query, type SortKeys } from '@sentral/kernel/page';

/** Whose connection answers this caller: across tenants only for who may see all. */
export const readDb = (deps: Deps, caller: Caller): Database =>
  'all' in caller.readScope ? deps.db.platform : deps.db.read;

/**
 * Runs a read of what has row-level security with the walls that fit the caller. Who sees one whole tenant and nothing else
 * reads as `inventory_read`, where the policies hold too; a policy knows one tenant only, so every other caller reads across
 * tenants and the read scope in the statement alone decides.
 */
export async function readingAs<T>(
  deps: Deps,
  caller: Caller,
  work: (on: Pick<Database, 'unsafe'>) => Promise<T>,
): Promise<T> {
  const { readScope } = caller;
  if ('all' in readScope) return work(deps.db.platform);
  const { tenantIds, projectIds, environmentIds } = readScope;
  const [tenant, ...others] = tenantIds;
  if (
    tenant === undefined ||
    readScope.platform === true ||
    others.length + projectIds.length + environmentIds.length > 0
  )
    return work(deps.db.platform);
  const settings = { 'sentral.tenant': decodeId('tnt', tenant) };
  return inTransaction(deps.db.read, (tx) => work(tx), { settings });
}

/** The tenants whose dedicated nodes the caller may see; null is all of them and the undedicated ones too. */
export function visibleTenants(caller: Caller): readonly string[] | null {
  if ('all' in caller.readScope) return null;
  return caller.readScope.tenantIds.map((id) => decodeId('tnt', id));
}
