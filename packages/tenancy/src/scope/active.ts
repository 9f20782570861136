import type { ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { visibleOf } from '../reading.js';
import { kindOfScope, scopeId, uuidOfScope, type StoredScope } from './row.js';
import { lockScopePath } from './sql.js';

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
  if (scope === undefined || scopeId(scope.kind, scope.id) !== id || !isVisible(caller, scope))
    throw problem('not-found', { resourceType: kindOfScope(id) });
  return path;
}

function isVisible(caller: Caller, scope: StoredScope): boolean {
  const visible = visibleOf(caller);
  if (visible === null) return true;
  if (scope.tenantId === null) return visible.platform;
  return (
    visible.tenantIds.includes(scope.tenantId) ||
    (scope.projectId !== null && visible.projectIds.includes(scope.projectId)) ||
    visible.environmentIds.includes(scope.id)
  );
}

/** A path as the evaluator of access takes it. */
export const refsOf = (path: readonly StoredScope[]): readonly ScopeRef[] =>
  path.map((scope) => ({
    id: scopeId(scope.kind, scope.id),
    kind: scope.kind,
    parentId: scope.parentId === null || scope.parentKind === null ? null : scopeId(scope.parentKind, scope.parentId),
    tenantId: scope.tenantId === null ? null : encodeId('tnt', scope.tenantId),
  }));
