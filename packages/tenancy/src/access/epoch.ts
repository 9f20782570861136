import type { Caller } from '@sentral/contracts/contract';
import type { Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findInstallation } from '../installation/sql.js';

/** The count of changes of access, and whether anyone administers the platform; of the primary, and never from a cache. */
export async function epochOfAccess(deps: Deps, _caller: Caller): Promise<Result<'access', 'epoch'>> {
  return findInstallation(deps.db.app);
}
