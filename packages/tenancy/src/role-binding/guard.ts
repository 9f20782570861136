import {
  decide,
  missingPermissions,
  type AccessSnapshot,
  type Permission,
  type ScopeRef,
} from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import { permissionsOfRole } from '@sentral/contracts/roles';
import type { Tx } from '@sentral/kernel/database';
import { limitsOf } from '../access/snapshot.js';
import { findSnapshot, findToken } from '../access/sql.js';

/**
 * What the caller itself may do, read in this transaction under the lock on access: what another is taking away from it is
 * either gone or waits. Undefined for the loops and the operator, who act for the installation.
 */
export async function snapshotOfCaller(tx: Tx, { principal }: Caller): Promise<AccessSnapshot | undefined> {
  if (principal.type === 'system') return undefined;
  const kind = principal.type === 'user' ? 'user' : 'service';
  const id = decodeId(kind === 'user' ? 'usr' : 'sac', principal.id);
  const { snapshot } = await findSnapshot(tx, { id, kind, groups: principal.groups ?? [] });
  if (principal.tokenId === undefined) return snapshot;
  const token = await findToken(tx, decodeId('tok', principal.tokenId));
  return { ...snapshot, token: token === undefined ? { permissions: [] } : limitsOf(token) };
}

/**
 * The escalation guard: whoever makes, changes or takes away a binding holds the permission for that, and every permission
 * of the role, on the scope itself.
 * @throws Problem permission-denied
 */
export async function refuseEscalation(
  tx: Tx,
  caller: Caller,
  wanted: { needs: Permission; role: string; path: readonly ScopeRef[] },
): Promise<void> {
  const own = await snapshotOfCaller(tx, caller);
  if (own === undefined) return;
  const scope = wanted.path.at(-1)?.id;
  if (!decide(own, wanted.needs, wanted.path).allowed)
    throw problem('permission-denied', { missingPermission: wanted.needs, scope });
  const [missing] = missingPermissions(own, permissionsOfRole(wanted.role), wanted.path);
  if (missing === undefined) return;
  throw problem(
    'permission-denied',
    { missingPermission: missing, scope },
    `The role ${wanted.role} holds what you do not hold here, so it is not yours to give or to take.`,
  );
}
