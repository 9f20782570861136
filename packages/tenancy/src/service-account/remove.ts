import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { permissionsOfRole } from '@sentral/contracts/roles';
import type { Tx } from '@sentral/kernel/database';
import { holdingOf, requireHeld } from '../access/guard.js';
import { placeOf } from '../access/row.js';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import type { BindingRow } from '../role-binding/sql.js';
import { lockScoped, scopedChange } from '../scoped.js';
import { endAccount } from './end.js';
import { accounts } from './sql.js';

/**
 * Ends a service account: its tokens are revoked and its bindings removed with it. Its row stays, since records name it.
 * Whoever could not take its bindings back one by one cannot end it either.
 * @throws Problem not-found | version-mismatch | permission-denied | last-administrator
 */
export async function removeServiceAccount(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'remove'>,
): Promise<Result<'serviceAccount', 'remove'>> {
  const id = decodeId('sac', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: accounts, id, version: command.version });
    const followed = await endAccount(tx, before, (held) => refuseTaking(tx, caller, held));
    await expectPlatformOpener(tx);
    const gone = scopedChange(accounts, 'removed', { before, after: null });
    await recordChanges(tx, caller, [gone, ...followed]);
    return accounts.to(before);
  });
}

/** @throws Problem permission-denied for a role of which the caller lacks something where it is bound */
async function refuseTaking(tx: Tx, caller: Caller, held: readonly BindingRow[]): Promise<void> {
  const own = held.length === 0 ? undefined : await holdingOf(tx, caller);
  for (const binding of held) requireHeld(own, permissionsOfRole(binding.role), placeOf(binding));
}
