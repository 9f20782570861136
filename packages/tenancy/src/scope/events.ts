import type { Tx } from '@sentral/kernel/database';
import type { Change } from '../change.js';
import { toProjection, toScope, type StoredScope } from './row.js';
import { amendScopeVersion, findProjection, findScope } from './sql.js';

/** Uuids of the scopes that a scope lies in, itself included, as the feed names them. */
export function feedScopeOf(row: Pick<StoredScope, 'id' | 'kind' | 'tenantId' | 'projectId'>) {
  return {
    ...(row.tenantId === null ? {} : { tenantId: row.tenantId }),
    ...(row.projectId === null ? {} : { projectId: row.projectId }),
    ...(row.kind === 'environment' ? { environmentId: row.id } : {}),
  };
}

/**
 * The feed row of a scope's change. Its event carries the whole row that the projections of other contexts hold; call it
 * after everything that the row shows has been written.
 */
export async function scopeChange(
  tx: Tx,
  change: { what: Change['what'] & `scope.${string}`; before: StoredScope | null; id: string },
): Promise<Change> {
  const row = await findScope(tx, change.id, null);
  if (row === undefined) throw new Error('a scope that was changed is not there');
  const after = toScope(row);
  return {
    what: change.what,
    noun: row.kind,
    id: row.id,
    version: row.version,
    before: change.before === null ? null : toScope(change.before),
    after,
    event: { ...after, projection: toProjection(await findProjection(tx, change.id)) },
    scope: feedScopeOf(row),
  };
}

/**
 * Moves the version of a locked scope because its limits, policy, exemptions or holds have changed, and gives the feed row
 * to record beside the one of the thing itself.
 */
export async function touchScope(
  tx: Tx,
  scope: StoredScope,
  { policyVersion }: { policyVersion?: number } = {},
): Promise<Change> {
  await amendScopeVersion(tx, scope.id, policyVersion ?? null);
  return scopeChange(tx, { what: 'scope.changed', before: scope, id: scope.id });
}
