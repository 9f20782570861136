import type { Caller } from '@sentral/contracts/contract';
import type { Trait } from '@sentral/contracts/inventory/trait';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { findTrait, insertTrait, toTrait } from './sql.js';

/**
 * Makes a trait known: from now on nodes can have it.
 * @throws Problem already-exists
 */
export async function registerTrait(deps: Deps, caller: Caller, command: Command<'trait', 'register'>): Promise<Trait> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    await insertTrait(tx, { id, ...command });
    const row = await findTrait(tx, command.key);
    if (row === undefined) throw new Error('a trait that was inserted is not there');
    const after = toTrait(row);
    await recordChanges(tx, caller, [{ what: 'trait.registered', id, version: row.version, after }]);
    return after;
  });
}
