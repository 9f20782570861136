import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { decodeId } from '@sentral/contracts/ids';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { holdingOf } from '../access/guard.js';
import { toRef } from '../access/row.js';
import { firstLack } from '../access/rules.js';
import { lockVisibleScope } from '../scope/active.js';
import { deleteScoped, findScoped, scopedChange } from '../scoped.js';
import { bindings, insertBinding, lockExpiredTwin } from './sql.js';

/**
 * Lets an administrator of the platform into a tenant: for itself, for hours, with a reason that the tenant can read.
 * @throws Problem not-found | permission-denied | already-exists
 */
export async function breakGlass(
  deps: Deps,
  caller: Caller,
  command: Command<'roleBinding', 'breakGlass'>,
): Promise<Result<'roleBinding', 'breakGlass'>> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    await lockAccess(tx);
    const scope = await lockVisibleScope(tx, caller, command.scopeId);
    if (scope.state === 'deleted') throw problem('not-found', { resourceType: 'tenant' });
    const own = await holdingOf(tx, caller);
    const needed = 'tenancy.tenant.breakGlass';
    // Nobody acts through it but who breaks it: a loop has no one to answer for it.
    if (own === undefined || firstLack(own, [needed], toRef(scope)) !== undefined)
      throw problem('permission-denied', { missingPermission: needed, scope: command.scopeId });
    const binding = {
      id,
      scope,
      role: 'break-glass',
      principalId: decodeId(caller.principal.type === 'user' ? 'usr' : 'sac', caller.principal.id),
      group: null,
      createdBy: caller.principal.id,
      expiresAt: null,
      ttlSeconds: command.ttlSeconds,
      reason: command.reason,
    };
    const twin = await lockExpiredTwin(tx, binding);
    const ended = twin === undefined ? [] : [await deleteScoped(tx, bindings, twin)];
    await insertBinding(tx, binding);
    const after = await findScoped(tx, bindings, id);
    await recordChanges(tx, caller, [scopedChange(bindings, 'glassBroken', { before: null, after }), ...ended]);
    return bindings.to(after);
  });
}
