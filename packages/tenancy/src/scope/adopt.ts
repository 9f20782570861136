import type { Caller } from '@sentral/contracts/contract';
import { inTransaction } from '@sentral/kernel/transaction';
import { judged, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockAccess } from '../installation/sql.js';
import { scopeChange } from './events.js';
import { insertOwner } from './owner.js';
import { toScope } from './row.js';
import { slugOf } from './rules.js';
import { findByKey, findFreeName, findScope, insertScope, insertScopeKey, lockScopePath } from './sql.js';
import { platformScopeUuid } from '@sentral/contracts/contract';

/**
 * The tenant that a source knows by this key: found, or made with the named owner. Asked twice it is one tenant.
 * @throws Problem reference-not-found
 */
export async function adoptTenant(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'adopt'>,
): Promise<Result<'scope', 'adopt'>> {
  const ids = { scope: deps.newId(), binding: deps.newId() };
  const { source, externalId, displayName, owner } = command;
  return judged(
    inTransaction(deps.db.app, async (tx) => {
      // Adoptions pass one after another: the key and the free name are looked for under this lock.
      await lockAccess(tx);
      const known = await findByKey(tx, source, externalId);
      if (known !== undefined) return { scope: toScope(known), created: false };
      const [parent] = await lockScopePath(tx, platformScopeUuid);
      if (parent === undefined) throw new Error('there is no platform');
      const name = await findFreeName(tx, parent.id, slugOf(displayName));
      await insertScope(tx, { id: ids.scope, kind: 'tenant', parent, name, displayName, labels: {}, annotations: {} });
      await insertScopeKey(tx, { source, externalId, scopeId: ids.scope });
      const row = await findScope(tx, ids.scope, null);
      if (row === undefined) throw new Error('a tenant that was made is not there');
      const binding = await insertOwner(tx, caller, { id: ids.binding, scope: row, owner });
      const change = await scopeChange(tx, { what: 'scope.created', before: null, id: row.id });
      await recordChanges(tx, caller, [change, binding]);
      return { scope: toScope(row), created: true };
    }),
  );
}
