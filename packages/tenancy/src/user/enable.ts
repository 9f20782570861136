import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { amendPrincipal, findUserRow, lockUser, toUser, userChange } from './sql.js';

/**
 * Lets a user in again.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function enableUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'enable'>,
): Promise<Result<'user', 'enable'>> {
  const id = decodeId('usr', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const user = await lockUser(tx, caller, { id, version: command.version });
    if (user.state !== 'disabled') throw problem('state-conflict', { state: user.state, allowedStates: ['disabled'] });
    await amendPrincipal(tx, id, { displayName: user.displayName, state: 'active' });
    const after = await findUserRow(tx, id);
    await recordChanges(tx, caller, [userChange(deps.seal, 'enabled', { before: user, after })]);
    return toUser(after);
  });
}
