import type { Caller } from '@sentral/contracts/contract';
import { encodeId, parseId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import { bringForward } from '../projection/bring.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listLiveAllocations, lockScope } from './sql.js';

/**
 * Applies what the caller brings of the scope, then counts what lives in it, when everyone who had begun before is through: a
 * delete and an allocation cannot pass each other.
 * @throws Problem permission-denied
 */
export async function countUsage(
  deps: Deps,
  caller: Caller,
  command: Command<'usage', 'count'>,
): Promise<Result<'usage', 'count'>> {
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'inventory.usage.read' });
  if (command.scopeId === 'platform') return { dependents: [] };
  const { prefix, uuid } = parseId(command.scopeId);
  const level = prefix === 'tnt' ? 'tenant' : prefix === 'prj' ? 'project' : 'environment';
  // Committed first: from here on whoever begins is refused. Only then is there an end to those who had begun before.
  await bringForward(deps, caller.scopes);
  return inTransaction(deps.db.app, async (tx) => {
    await lockScope(tx, uuid);
    const live = await listLiveAllocations(tx, level, uuid);
    if (live.length === 0) return { dependents: [] };
    return {
      dependents: [{ type: 'allocation', count: live[0]?.count ?? 0, ids: live.map(({ id }) => encodeId('alc', id)) }],
    };
  });
}
