import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { amendPrincipal } from '../user/sql.js';
import { accounts } from './sql.js';

/**
 * Changes how a service account is called, and whether it may speak.
 * @throws Problem not-found | version-mismatch | last-administrator
 */
export async function amendServiceAccount(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'amend'>,
): Promise<Result<'serviceAccount', 'amend'>> {
  const id = decodeId('sac', command.id);
  return inChange(deps, caller, async (tx) => {
    if (command.patch.state !== undefined) await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: accounts, id, version: command.version });
    const { displayName = before.displayName, state = before.state } = command.patch;
    if (displayName === before.displayName && state === before.state) return accounts.to(before);
    await amendPrincipal(tx, id, { displayName, state });
    const after = await findScoped(tx, accounts, id);
    if (state !== before.state) await expectPlatformOpener(tx);
    await recordChanges(tx, caller, [scopedChange(accounts, 'amended', { before, after })]);
    return accounts.to(after);
  });
}
