import { isPermission, type ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { holdingOf, requireHeld } from '../access/guard.js';
import { placeOf, toHolding, toRef } from '../access/row.js';
import { earliest, heldUntil, lackForToken, tokenHeldUntil } from '../access/rules.js';
import { findAccess } from '../access/sql.js';
import { findScope } from '../scope/sql.js';
import type { AccountRow } from '../service-account/sql.js';

/** @throws Problem validation-failed for a name that is no permission */
export function expectPermissions(names: readonly string[] | undefined): void {
  const unknown = names?.findIndex((name) => !isPermission(name)) ?? -1;
  if (unknown < 0) return;
  throw problem('validation-failed', {
    errors: [{ pointer: `/permissions/${unknown}`, code: 'unknown_permission', message: 'is not a permission' }],
  });
}

/**
 * The scope that a token is held to. For the account of a tenant there is nothing outside that tenant.
 * @throws Problem reference-not-found
 */
export async function findLimit(tx: Tx, account: AccountRow, id: string | null): Promise<ScopeRef | null> {
  if (id === null) return null;
  const scope = await findScope(tx, id, null);
  const outside = account.tenantId !== null && scope?.tenantId !== account.tenantId;
  if (scope === undefined || scope.state === 'deleted' || outside)
    throw problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  return toRef(scope);
}

/**
 * A token never exceeds its creator, nor outlives what it rests on: whoever could not grant the rights may not hand them out
 * as a secret either. Gives until when the creator holds all of it; null for good.
 * @throws Problem permission-denied
 */
export async function refuseExcess(
  tx: Tx,
  caller: Caller,
  wanted: {
    needs: 'tenancy.token.create' | 'tenancy.token.rotate';
    account: AccountRow;
    permissions: readonly string[] | null;
    limit: ScopeRef | null;
  },
): Promise<Date | null> {
  const own = await holdingOf(tx, caller);
  if (own === undefined) return null;
  const home = placeOf(wanted.account);
  requireHeld(own, [wanted.needs], home);
  const row = await findAccess(tx, { by: 'id', id: wanted.account.id, tokenId: null }, []);
  if (row === undefined) throw new Error('an account that is locked is not there');
  const power = { account: toHolding(row, []), permissions: wanted.permissions, scope: wanted.limit };
  const lack = lackForToken(own, power);
  if (lack !== undefined)
    throw problem('permission-denied', { ...lack }, 'The token could do what you cannot, so it is not yours to make.');
  return earliest([heldUntil(own, [wanted.needs], home), tokenHeldUntil(own, power)]);
}
