import type { Caller } from '@sentral/contracts/contract';
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { expectKeyedVersion } from '../version.js';
import { amendClassRow, findClass, lockClass, toClass } from './sql.js';

/**
 * Says otherwise what a class means; its key stays.
 * @throws Problem not-found, version-mismatch
 */
export function amendClass(
  deps: Deps,
  caller: Caller,
  { key, version, patch }: Command<'resourceClass', 'amend'>,
): Promise<ResourceClass> {
  return inChange(deps, caller, async (tx) => {
    const current = await lockClass(tx, key);
    if (current === undefined) throw problem('not-found', { resourceType: 'resourceClass' });
    expectKeyedVersion(current, version);
    const to = { title: patch.title ?? current.title, unit: patch.unit ?? current.unit };
    if (to.title === current.title && to.unit === current.unit) return toClass(current);
    await amendClassRow(tx, key, to);
    const row = await findClass(tx, key);
    if (row === undefined) throw new Error('a class that was amended is not there');
    const after = toClass(row);
    await recordChanges(tx, caller, [
      { what: 'resourceClass.amended', id: row.id, version: row.version, before: toClass(current), after },
    ]);
    return after;
  });
}
