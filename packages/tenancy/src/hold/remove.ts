import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { touchScope } from '../scope/events.js';
import { deleteScoped, lockHome, lockScoped } from '../scoped.js';
import { holds } from './sql.js';

/**
 * Ends a hold.
 * @throws Problem not-found | version-mismatch
 */
export async function removeHold(
  deps: Deps,
  caller: Caller,
  command: Command<'hold', 'remove'>,
): Promise<Result<'hold', 'remove'>> {
  const id = decodeId('hol', command.id);
  return inChange(deps, caller, async (tx) => {
    const scope = await lockHome(tx, caller, { noun: holds, id });
    const before = await lockScoped(tx, caller, { noun: holds, id, version: command.version });
    const gone = await deleteScoped(tx, holds, before);
    await recordChanges(tx, caller, [gone, await touchScope(tx, scope)]);
    return holds.to(before);
  });
}
