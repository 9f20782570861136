import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { expectPlatformOpener } from '../deny-rule/opener.js';
import { lockAccess } from '../installation/sql.js';
import { toRef } from '../access/row.js';
import { lockActiveScope } from '../scope/active.js';
import { scopeId } from '../scope/row.js';
import { findScoped, lockScoped, scopedChange } from '../scoped.js';
import { retireBootstrap } from './bootstrap.js';
import { expectWithinOwn, past } from './create.js';
import { refuseEscalation } from './guard.js';
import { amendBindingRow, bindings } from './sql.js';

/**
 * Changes until when a grant holds, and why.
 * @throws Problem not-found | version-mismatch | permission-denied | last-administrator | state-conflict | scope-not-active
 */
export async function amendRoleBinding(
  deps: Deps,
  caller: Caller,
  command: Command<'roleBinding', 'amend'>,
): Promise<Result<'roleBinding', 'amend'>> {
  const id = decodeId('rbd', command.id);
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const before = await lockScoped(tx, caller, { noun: bindings, id, version: command.version });
    if (before.role === 'break-glass')
      throw problem(
        'state-conflict',
        { state: before.role, allowedStates: [] },
        'Broken glass is not mended: end it, or break it again.',
      );
    const scope = toRef(await lockActiveScope(tx, caller, scopeId(before.scopeKind, before.scopeId)));
    const { role } = before;
    const own = await refuseEscalation(tx, caller, { needs: 'tenancy.roleBinding.update', role, scope });
    const { subject } = bindings.to(before);
    const { expiresAt = before.expiresAt, reason = before.reason } = command.patch;
    if (own !== undefined && command.patch.expiresAt !== undefined)
      expectWithinOwn(own, caller, { subject, role, scope, expiresAt: command.patch.expiresAt ?? undefined });
    await amendBindingRow(tx, id, { expiresAt, reason });
    const after = await findScoped(tx, bindings, id);
    if (after.expired && command.patch.expiresAt != null) throw past('/expiresAt');
    if (role === 'platform-admin') await expectPlatformOpener(tx);
    const lasting = role === 'platform-admin' && after.expiresAt === null;
    const retired = lasting ? await retireBootstrap(tx, after.principalId) : [];
    await recordChanges(tx, caller, [scopedChange(bindings, 'amended', { before, after }), ...retired]);
    return bindings.to(after);
  });
}
