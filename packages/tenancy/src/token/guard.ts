import { isPermission, missingPermissions, type ScopeRef } from '@sentral/contracts/access';
import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Tx } from '@sentral/kernel/database';
import { findSnapshot } from '../access/sql.js';
import { snapshotOfCaller } from '../role-binding/guard.js';
import { refsOf } from '../scope/active.js';
import { uuidOfScope } from '../scope/row.js';
import { lockScopePath } from '../scope/sql.js';

export interface WantedToken {
  readonly accountId: string;
  /** Null: all that the account may. */
  readonly permissions: readonly string[] | null;
  /** Null: wherever the account may. */
  readonly limitScopeId: string | null;
}

/**
 * A token never exceeds its maker: wherever its account was granted what the token would carry, the caller holds it too.
 * Whoever could not grant the rights may not hand them out as a secret either.
 * @throws Problem permission-denied | reference-not-found | validation-failed
 */
export async function refuseExcess(tx: Tx, caller: Caller, wanted: WantedToken): Promise<void> {
  const unknown = wanted.permissions?.findIndex((name) => !isPermission(name)) ?? -1;
  if (unknown >= 0) {
    throw problem('validation-failed', {
      errors: [{ pointer: `/permissions/${unknown}`, code: 'unknown_permission', message: 'is not a permission' }],
    });
  }
  const limit = wanted.limitScopeId === null ? undefined : refsOf(await lockScopePath(tx, wanted.limitScopeId));
  if (limit?.length === 0) throw problem('reference-not-found', { pointer: '/scopeId', resourceType: 'scope' });
  const own = await snapshotOfCaller(tx, caller);
  if (own === undefined) return;
  const { snapshot } = await findSnapshot(tx, { id: wanted.accountId, kind: 'service', groups: [] });
  for (const grant of snapshot.grants) {
    const carried = grant.permissions.filter((name) => wanted.permissions?.includes(name) ?? true);
    const path = refsOf(await lockScopePath(tx, uuidOfScope(grant.scope.id)));
    const where = narrower(path, limit);
    if (where === undefined) continue;
    const [missing] = missingPermissions(own, carried, where);
    if (missing !== undefined)
      throw problem('permission-denied', { missingPermission: missing, scope: where.at(-1)?.id });
  }
}

/** Where a grant and a limit meet: the deeper of the two when one lies in the other, else nowhere. */
function narrower(grant: readonly ScopeRef[], limit: readonly ScopeRef[] | undefined): readonly ScopeRef[] | undefined {
  if (limit === undefined) return grant;
  if (limit.some(({ id }) => id === grant.at(-1)?.id)) return limit;
  return grant.some(({ id }) => id === limit.at(-1)?.id) ? grant : undefined;
}
