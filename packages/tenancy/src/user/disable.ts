import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import { amendPrincipal, findUserRow, lockUser, toUser, userChange } from './sql.js';

/**
 * Shuts a user out: its changes at once, its reads within five seconds. Its bindings stay.
 * @throws Problem not-found | version-mismatch | state-conflict | last-administrator
 */
export async function disableUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'disable'>,
): Promise<Result<'user', 'disable'>> {
  const id = decodeId('usr', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const user = await lockUser(tx, caller, { id, version: command.version });
    if (user.state !== 'active') throw problem('state-conflict', { state: user.state, allowedStates: ['active'] });
    await amendPrincipal(tx, id, { displayName: user.displayName, state: 'disabled' });
    await expectPlatformOpener(tx);
    const after = await findUserRow(tx, id);
    await recordChanges(tx, caller, [userChange(deps.seal, 'disabled', { before: user, after })]);
    return toUser(after);
  });
}
