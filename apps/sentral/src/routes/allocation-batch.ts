import type { ScopeRow } from '@sentral/contracts/contract';
import type { Id } from '@sentral/contracts/ids';
import type { Permission } from '@sentral/contracts/permissions';
import { isProblem, problem } from '@sentral/contracts/problem';
import { facade } from '../auth/sessions.js';
import type { Asked } from '../http/mount.js';
import type { World } from './world.js';

type Operations = Parameters<World['inventory']['allocation']['batch']>[1]['operations'];

const permissionOf = {
  create: 'inventory.allocation.create',
  replace: 'inventory.allocation.update',
  release: 'inventory.allocation.release',
} as const satisfies Record<Operations[number]['op'], Permission>;

/**
 * Whether the caller may do each of it where it lies; what it may not read does not exist for it.
 * @returns the scopes acted in, as tenancy has them
 * @throws Problem not-found | reference-not-found | permission-denied, with operationIndex
 */
export async function authorizeBatch(
  { tenancy, inventory }: World,
  asked: Asked,
  operations: Operations,
): Promise<ScopeRow[]> {
  const environments = new Set<Id<'env'>>();
  for (const [operationIndex, operation] of operations.entries()) {
    try {
      const environmentId = (
        operation.op === 'create' ? operation : await inventory.allocation.get(asked.caller, { id: operation.id })
      ).environmentId as Id<'env'>;
      const may = (permission: Permission) => asked.access.mayOn(permission, environmentId);
      if (operation.op === 'create' && !(await may('inventory.allocation.read').catch(noScope)))
        throw problem('reference-not-found', {
          pointer: `/operations/${operationIndex}/environmentId`,
          resourceType: 'environment',
        });
      if (!(await may(permissionOf[operation.op])))
        throw problem('permission-denied', { missingPermission: permissionOf[operation.op], scope: environmentId });
      environments.add(environmentId);
    } catch (error) {
      if (!isProblem(error)) throw error;
      throw problem(error.code, { ...error.facts, operationIndex }, error.detail);
    }
  }
  const rows = new Map<string, ScopeRow>();
  for (const id of environments)
    for (const row of (await tenancy.scope.path(facade, { id })).rows) rows.set(row.id, row);
  return [...rows.values()];
}

/** A scope that never was is one that the caller may not read. */
function noScope(error: unknown): false {
  if (isProblem(error, 'not-found')) return false;
  throw error;
}
