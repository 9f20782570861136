import type { Caller } from '@sentral/contracts/contract';
import type { ResourceClass } from '@sentral/contracts/inventory/resource-class';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findClass, insertClass, toClass } from './sql.js';

/**
 * Makes a class that nodes can offer from now on.
 * @throws Problem already-exists
 */
export async function createClass(
  deps: Deps,
  caller: Caller,
  command: Command<'resourceClass', 'create'>,
): Promise<ResourceClass> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    await insertClass(tx, { id, ...command });
    const row = await findClass(tx, command.key);
    if (row === undefined) throw new Error('a class that was inserted is not there');
    const after = toClass(row);
    await recordChanges(tx, caller, [{ what: 'resourceClass.created', id, version: row.version, after }]);
    return after;
  });
}
