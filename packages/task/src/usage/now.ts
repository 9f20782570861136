import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { QuotaUse } from '@sentral/contracts/tenancy/quota';
import { scopeUuid } from '@sentral/kernel/scopes/view';
import type { Deps } from '../deps.js';
import { findRunning } from './sql.js';

/**
 * How many tasks of a tenant run now, with its limit. Nothing is counted in other scopes, and that is said of each alike.
 * @throws Problem not-found
 */
export async function usageNow(
  deps: Deps,
  caller: Caller,
  { scopeId }: { scopeId: QuotaUse['scopeId'] },
): Promise<{ own: QuotaUse[]; children: QuotaUse[] }> {
  if (!scopeId.startsWith('tnt_')) return { own: [], children: [] };
  const { readScope } = caller;
  if (!('all' in readScope) && !(readScope.tenantIds as readonly string[]).includes(scopeId))
    throw problem('not-found', { resourceType: 'tenant' });
  const found = await findRunning(deps.db.platform, scopeUuid(scopeId));
  if (found === undefined || (found.running === 0 && found.limit === null)) return { own: [], children: [] };
  const { running: used, limit } = found;
  const bound = limit === null ? {} : { limit };
  return {
    own: [{ scopeId, dimension: 'task.running', used, ...bound, overBy: Math.max(0, used - (limit ?? used)) }],
    children: [],
  };
}
