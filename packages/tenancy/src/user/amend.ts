import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { amendPrincipal, findUserRow, lockUser, toUser, userChange } from './sql.js';

/**
 * Changes how a user is called.
 * @throws Problem not-found | version-mismatch | state-conflict
 */
export async function amendUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'amend'>,
): Promise<Result<'user', 'amend'>> {
  const id = decodeId('usr', command.id);
  return inChange(deps, caller, async (tx) => {
    const user = await lockUser(tx, caller, { id, version: command.version });
    if (user.state === 'erased')
      throw problem('state-conflict', { state: user.state, allowedStates: ['active', 'disabled'] });
    const { displayName = user.displayName } = command.patch;
    if (displayName === user.displayName) return toUser(user);
    await amendPrincipal(tx, id, { displayName, state: user.state });
    const after = await findUserRow(tx, id);
    await recordChanges(tx, caller, [userChange(deps.seal, 'amended', { before: user, after })]);
    return toUser(after);
  });
}
