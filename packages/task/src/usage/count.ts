import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { judged } from '@sentral/kernel/change';
import { bringForward } from '@sentral/kernel/scopes/news';
import { lockScopeToCount, scopeUuid } from '@sentral/kernel/scopes/view';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Deps } from '../deps.js';
import { scopes } from '../projection/view.js';
import { findScope, listLiving } from './sql.js';

/**
 * Applies what the caller brings of the scope, then counts the tasks in it that have not ended, when everyone who had begun
 * before is through: a delete and a new task cannot pass each other. A schedule keeps no scope: what it would make is refused.
 * @throws Problem permission-denied
 */
export async function countUsage(
  deps: Deps,
  caller: Caller,
  command: { scopeId: string; version: number },
): Promise<{ dependents: { type: string; count: number; ids: string[] }[] }> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'task.usage.read' });
  const id = scopeUuid(command.scopeId);
  // Committed first: from here on whoever begins is refused. Only then is there an end to those who had begun before.
  await bringForward(deps.db.app, scopes, caller.scopes);
  const counted = inTransaction(deps.db.app, async (tx) => {
    await lockScopeToCount(tx, scopes.schema, id);
    const scope = await findScope(tx, id);
    // A task is made in scopes that are known here, so nothing lives in one that is not.
    if (scope === undefined || scope.kind === 'platform' || scope.tenantId === null) return { dependents: [] };
    const { count, ids } = await listLiving(tx, { id, kind: scope.kind, tenantId: scope.tenantId });
    return { dependents: count === 0 ? [] : [{ type: 'task', count, ids: ids.map((each) => encodeId('tsk', each)) }] };
  });
  return judged(counted, {});
}
