import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Database } from '@sentral/kernel/database';
import type { Deps } from './deps.js';

export { page, query, readCursor, writeCursor, type Query } from '@sentral/kernel/page';

/** Whose connection answers this caller: across tenants only for who may see all. */
export const readDb = (deps: Deps, caller: Caller): Database =>
  'all' in caller.readScope ? deps.db.platform : deps.db.read;

/** The tenants whose dedicated nodes the caller may see; null is all of them and the undedicated ones too. */
export function visibleTenants(caller: Caller): readonly string[] | null {
  if ('all' in caller.readScope) return null;
  return caller.readScope.tenantIds.map((id) => decodeId('tnt', id));
}
