import type { Caller } from '@sentral/contracts/contract';
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { expectKeyedVersion } from '../version.js';
import { countUsesOfClass, deleteClass, lockClass, toClass } from './sql.js';

/**
 * Ends a class that nothing offers and nothing was ever taken of.
 * @throws Problem not-found, version-mismatch, has-dependents
 */
export function removeClass(
  deps: Deps,
  caller: Caller,
  { key, version }: Command<'resourceClass', 'remove'>,
): Promise<ResourceClass> {
  return inChange(deps, caller, async (tx) => {
    const current = await lockClass(tx, key);
    if (current === undefined) throw problem('not-found', { resourceType: 'resourceClass' });
    expectKeyedVersion(current, version);
    const uses = await countUsesOfClass(tx, key);
    const seen = 'all' in caller.readScope || caller.readScope.platform === true;
    if (uses.some(({ count }) => count > 0))
      throw problem('has-dependents', { dependents: seen ? uses.filter(({ count }) => count > 0) : [] });
    await deleteClass(tx, key);
    const before = toClass(current);
    const after = { ...before, version: current.version + 1 };
    await recordChanges(tx, caller, [
      { what: 'resourceClass.removed', id: current.id, version: after.version, before, after, event: after },
    ]);
    return after;
  });
}
