import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { inTransaction } from '@sentral/kernel/transaction';
import type { Result } from '../command.js';
import type { Deps } from '../deps.js';
import { applyScopes, listVersions, scopeUuid } from './sql.js';

/**
 * Takes in the scope rows that the caller brings where they are newer; once this is answered they hold here.
 * @throws Problem permission-denied
 */
export async function applyProjection(deps: Deps, caller: Caller): Promise<Result<'projection', 'apply'>> {
  if (!('all' in caller.readScope))
    throw problem('permission-denied', { missingPermission: 'inventory.projection.apply' });
  return inTransaction(deps.db.app, async (tx) => {
    await applyScopes(tx, caller.scopes);
    const versions = await listVersions(
      tx,
      caller.scopes.map((scope) => scopeUuid(scope.id)),
    );
    return {
      rows: caller.scopes.map(({ id, version }) => ({
        id: id as 'platform',
        version: versions.get(scopeUuid(id)) ?? version,
      })),
    };
  });
}
