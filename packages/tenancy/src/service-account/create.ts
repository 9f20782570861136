import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import { asked, judged, once, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockActivePath } from '../scope/active.js';
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
  return judged(
    inTransaction(
      deps.db.app,
      (tx) =>
        once(tx, caller, async () => {
          const path = await lockActivePath(tx, caller, command.scopeId);
          const scope = path.at(-1);
          if (scope === undefined) throw problem('not-found', { resourceType: 'scope' });
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
        }),
      asked(caller),
    ),
  );
}
