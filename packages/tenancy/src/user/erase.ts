import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import { eraseUserRow, findUserRow, forgetAnswers, lockUser, toUser, userChange } from './sql.js';

/**
 * Forgets who a user was. Its bindings stay, as when it is shut out: they name an id that nobody comes in by any more, and ending those
 * of a tenant is not the platform's. What audit has of it, audit makes unreadable: its key goes.
 * @throws Problem not-found | version-mismatch | last-administrator
 */
export async function eraseUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'erase'>,
): Promise<Result<'user', 'erase'>> {
  const id = decodeId('usr', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const user = await lockUser(tx, caller, { id, version: command.version });
    if (user.state === 'erased') return toUser(user);
    await eraseUserRow(tx, id);
    await expectPlatformOpener(tx);
    const after = await findUserRow(tx, id);
    await forgetAnswers(tx, toUser(after));
    await recordChanges(tx, caller, [userChange(deps.seal, 'erased', { before: user, after })]);
    return toUser(after);
  });
}
