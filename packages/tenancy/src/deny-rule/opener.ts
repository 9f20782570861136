import { platformScopeUuid, type ScopeKind } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { roles, type RoleDef } from '@sentral/contracts/roles';
import type { Tx } from '@sentral/kernel/database';
import { scopeId } from '../scope/row.js';
import { openingPermissions, someoneCanOpen } from './rules.js';
import { listLastingHolders, listRulesAgainst } from './sql.js';

/** Roles that can end deny rules on a scope of this kind, and last: broken glass does not. */
const openingRoles = (kind: ScopeKind): readonly string[] =>
  Object.entries(roles as Record<string, RoleDef>)
    .filter(([role, def]) => role !== 'break-glass' && def.boundOn.includes(kind))
    .filter(([, def]) => openingPermissions.every((permission) => def.permissions.includes(permission)))
    .map(([role]) => role);

/**
 * Called after what it judges was written, under the lock of access: where a rule keeps people from deny rules themselves,
 * one lasting holder of that right at least stays free of it, or no route would lead back.
 * @throws Problem last-administrator
 */
export async function expectOpener(tx: Tx, scope: { readonly id: string; readonly kind: ScopeKind }): Promise<void> {
  const scopeIds = [...new Set([platformScopeUuid, scope.id])];
  const closing = await listRulesAgainst(tx, { scopeIds, permissions: openingPermissions });
  if (closing.length === 0) return;
  const holders = await listLastingHolders(tx, { scopeId: scope.id, roles: openingRoles(scope.kind) });
  if (!someoneCanOpen(holders, closing)) throw problem('last-administrator', { scope: scopeId(scope.kind, scope.id) });
}

/** The platform, where somebody who can open it is being taken away. */
export const expectPlatformOpener = (tx: Tx): Promise<void> =>
  expectOpener(tx, { id: platformScopeUuid, kind: 'platform' });
