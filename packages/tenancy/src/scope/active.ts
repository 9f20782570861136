import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { isVisible, visibleOf } from '../reading.js';
import { kindOfScope, scopeId, uuidOfScope, type StoredScope } from './row.js';
import { lockScopePath } from './sql.js';

/**
 * The scope at the end of its path, under the locks of `lockActivePath`.
 * @throws Problem not-found | scope-not-active
 */
export async function lockActiveScope(tx: Tx, caller: Caller, id: string): Promise<StoredScope> {
  return lastOf(await lockActivePath(tx, caller, id));
}

/**
 * The same, whatever the states on the path: what is only taken away may be taken from a suspended scope too.
 * @throws Problem not-found
 */
export async function lockVisibleScope(tx: Tx, caller: Caller, id: string): Promise<StoredScope> {
  return lastOf(await lockVisiblePath(tx, caller, id));
}

function lastOf(path: readonly StoredScope[]): StoredScope {
  const scope = path.at(-1);
  if (scope === undefined) throw new Error('a path that was found has no end');
  return scope;
}

/**
 * The path of a scope, root first, locked so that none of it changes its state while something is made in it.
 * @throws Problem not-found | scope-not-active
 */
export async function lockActivePath(tx: Tx, caller: Caller, id: string): Promise<readonly StoredScope[]> {
  const path = await lockVisiblePath(tx, caller, id);
  const inactive = path.find((scope) => scope.state !== 'active');
  if (inactive !== undefined)
    throw problem('scope-not-active', { scope: scopeId(inactive.kind, inactive.id), state: inactive.state });
  return path;
}

/**
 * The same, whatever the states on it.
 * @throws Problem not-found for a scope that is not there, or not there for this caller
 */
export async function lockVisiblePath(tx: Tx, caller: Caller, id: string): Promise<readonly StoredScope[]> {
  const path = await lockScopePath(tx, uuidOfScope(id));
  const scope = path.at(-1);
  if (scope === undefined || scopeId(scope.kind, scope.id) !== id || !isVisible(visibleOf(caller), scope))
    throw problem('not-found', { resourceType: kindOfScope(id) });
  return path;
}
