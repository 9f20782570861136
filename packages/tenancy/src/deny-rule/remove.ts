import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { placeOf } from '../access/row.js';
import { lockAccess } from '../installation/sql.js';
import { deleteScoped, lockScoped } from '../scoped.js';
import { refuseSelfExemption } from './content.js';
import { denyRules } from './sql.js';

/**
 * Ends a deny rule. Whom it meets cannot be the one who ends it, unless it meets everyone.
 * @throws Problem not-found | version-mismatch | permission-denied
 */
export async function removeDenyRule(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'remove'>,
): Promise<Result<'denyRule', 'remove'>> {
  const id = decodeId('dny', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: denyRules, id, version: command.version });
    await refuseSelfExemption(tx, caller, { before, after: undefined, scope: placeOf(before) });
    await recordChanges(tx, caller, [await deleteScoped(tx, denyRules, before)]);
    return denyRules.to(before);
  });
}
