import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { ownerOfDimension } from '@sentral/contracts/quota';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { touchScope } from '../scope/events.js';
import { deleteScoped, lockHome, lockScoped } from '../scoped.js';
import { limits, upsertQuotaCap } from './sql.js';

/**
 * Lifts a limit.
 * @throws Problem not-found | version-mismatch
 */
export async function removeQuota(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'remove'>,
): Promise<Result<'quota', 'remove'>> {
  const id = decodeId('qta', command.id);
  return inChange(deps, caller, async (tx) => {
    const scope = await lockHome(tx, caller, { noun: limits, id });
    const before = await lockScoped(tx, caller, { noun: limits, id, version: command.version });
    if (ownerOfDimension(before.dimension) === 'tenancy')
      await upsertQuotaCap(tx, scope.id, { dimension: before.dimension, cap: null });
    const gone = await deleteScoped(tx, limits, before);
    await recordChanges(tx, caller, [gone, await touchScope(tx, scope)]);
    return limits.to(before);
  });
}
