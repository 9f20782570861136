import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import { placeOf } from '../access/row.js';
import { deleteScoped, lockScoped } from '../scoped.js';
import { refuseEscalation } from './guard.js';
import { bindings } from './sql.js';

/**
 * Takes a grant back: changes that are asked for after the answer are refused, reads follow within five seconds.
 * @throws Problem not-found | version-mismatch | permission-denied | last-administrator
 */
export async function removeRoleBinding(
  deps: Deps,
  caller: Caller,
  command: Command<'roleBinding', 'remove'>,
): Promise<Result<'roleBinding', 'remove'>> {
  const id = decodeId('rbd', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: bindings, id, version: command.version });
    await refuseEscalation(tx, caller, {
      needs: 'tenancy.roleBinding.delete',
      role: before.role,
      scope: placeOf(before),
    });
    const gone = await deleteScoped(tx, bindings, before);
    if (before.role === 'platform-admin') await expectPlatformOpener(tx);
    await recordChanges(tx, caller, [gone]);
    return bindings.to(before);
  });
}
