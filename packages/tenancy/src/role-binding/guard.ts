import type { Permission, ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { permissionsOfRole } from '@sentral/contracts/roles';
import type { Tx } from '@sentral/kernel/database';
import { holdingOf } from '../access/guard.js';
import type { Holding } from '../access/row.js';
import { firstLack } from '../access/rules.js';

/**
 * The escalation guard: whoever makes, changes or takes away a binding holds the permission for that, and every permission
 * of the role, on the scope itself. Gives what the caller holds; undefined for the system, whom nobody judges.
 * @throws Problem permission-denied
 */
export async function refuseEscalation(
  tx: Tx,
  caller: Caller,
  wanted: { needs: Permission; role: string; scope: ScopeRef },
): Promise<Holding | undefined> {
  const own = await holdingOf(tx, caller);
  if (own === undefined) return undefined;
  const { needs, role, scope } = wanted;
  const unable = firstLack(own, [needs], scope);
  if (unable !== undefined) throw problem('permission-denied', { ...unable });
  const lack = firstLack(own, permissionsOfRole(role), scope);
  if (lack === undefined) return own;
  throw problem(
    'permission-denied',
    { ...lack },
    `The role ${role} holds what you do not hold here, so it is not yours to give or to take.`,
  );
}
