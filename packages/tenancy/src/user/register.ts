import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findUserRow, insertUser, toUser, userChange } from './sql.js';

/**
 * Names a person before it has come, so that it can be granted something.
 * @throws Problem already-exists
 */
export async function registerUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'register'>,
): Promise<Result<'user', 'register'>> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    const { issuer, subject, displayName = null } = command;
    if (!(await insertUser(tx, { id, issuer, subject, displayName })))
      throw problem('already-exists', { field: 'subject' });
    const after = await findUserRow(tx, id);
    await recordChanges(tx, caller, [userChange(deps.seal, 'registered', { before: null, after })]);
    return toUser(after);
  });
}
