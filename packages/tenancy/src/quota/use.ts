import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScope } from '../scope/get.js';
import { uuidOfScope } from '../scope/row.js';
import { listQuotaUse } from './sql.js';

/**
 * What a scope and its children use of tenancy's own dimensions.
 * @throws Problem not-found
 */
export async function useOfQuota(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'use'>,
): Promise<Result<'quota', 'use'>> {
  await getScope(deps, caller, { id: command.scopeId });
  const rows = await listQuotaUse(deps.db.platform, uuidOfScope(command.scopeId));
  const shown = (own: boolean) =>
    rows
      .filter((row) => row.own === own)
      .map(({ scopeId, dimension, used, limit, overBy }) => ({ scopeId, dimension, used, limit, overBy }));
  return { own: shown(true), children: shown(false) };
}
