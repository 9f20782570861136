import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { bootstrapName } from '../role-binding/bootstrap.js';
import { lockActiveScope } from '../scope/active.js';
import { findScoped, scopedChange } from '../scoped.js';
import { accounts, insertAccount } from './sql.js';

/**
 * A new service account of a tenant or of the platform.
 * @throws Problem not-found | already-exists | scope-not-active
 */
export async function createServiceAccount(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'create'>,
): Promise<Result<'serviceAccount', 'create'>> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    const scope = await lockActiveScope(tx, caller, command.scopeId);
    // Its name is the operator's: an account that waited under it would be made administrator one day.
    if (scope.kind === 'platform' && command.name === bootstrapName) throw problem('already-exists', { field: 'name' });
    await insertAccount(tx, {
      id,
      scopeId: scope.id,
      tenantId: scope.tenantId,
      name: command.name,
      displayName: command.displayName ?? null,
    });
    const after = await findScoped(tx, accounts, id);
    await recordChanges(tx, caller, [scopedChange(accounts, 'created', { before: null, after })]);
    return accounts.to(after);
  });
}
