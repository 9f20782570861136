import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScope } from '../scope/get.js';
import { uuidOfScope } from '../scope/row.js';
import { listChildUse, listOwnUse } from './sql.js';

/** Counters of children in one answer: a child tells of its own when it is asked. */
const childrenMax = 2_000;

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
  const id = uuidOfScope(command.scopeId);
  const own = await listOwnUse(deps.db.platform, id);
  const below = await listChildUse(deps.db.platform, id, childrenMax + 1);
  return {
    own: [...own],
    children: below.slice(0, childrenMax),
    ...(below.length > childrenMax ? { childrenCut: true } : {}),
  };
}
