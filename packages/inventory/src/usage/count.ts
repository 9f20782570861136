import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { lockScopeToCount } from '@sentral/kernel/scopes/view';
import { inTransaction } from '@sentral/kernel/transaction';
import { expireFew, expireOverdue } from '../allocation/sweep.js';
import { judged, schemaName } from '../change.js';
import { bringForward } from '../projection/bring.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listLiving, placeOf } from './sql.js';

/**
 * Applies what the caller brings of the scope, then counts what lives in it or is dedicated to it, when everyone who had begun
 * before is through: a delete and an allocation cannot pass each other. What has run out is ended first and keeps nobody.
 * @throws Problem permission-denied
 */
export async function countUsage(
  deps: Deps,
  caller: Caller,
  command: Command<'usage', 'count'>,
): Promise<Result<'usage', 'count'>> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'inventory.usage.read' });
  if (command.scopeId === 'platform') return { dependents: [] };
  const scope = placeOf(command.scopeId);
  // Committed first: from here on whoever begins is refused. Only then is there an end to those who had begun before.
  await bringForward(deps, caller.scopes);
  while ((await expireFew(deps, scope)) > 0);
  const counted = inTransaction(deps.db.app, async (tx) => {
    await lockScopeToCount(tx, schemaName, scope.id);
    await expireOverdue(tx, scope);
    const living = await listLiving(tx, scope);
    return {
      dependents: living.map(({ type, prefix: idPrefix, count, ids }) => ({
        type,
        count,
        ids: ids.map((id) => encodeId(idPrefix, id)),
      })),
    };
  });
  return judged(counted);
}
