import type { Caller } from '@sentral/contracts/contract';
import type { Trait } from '@sentral/contracts/inventory/trait';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { expectKeyedVersion } from '../version.js';
import { amendTraitRow, findTrait, lockTrait, toTrait } from './sql.js';

/**
 * Says otherwise what a trait means; its key stays.
 * @throws Problem not-found, version-mismatch
 */
export function amendTrait(
  deps: Deps,
  caller: Caller,
  { key, version, patch }: Command<'trait', 'amend'>,
): Promise<Trait> {
  return inChange(deps, caller, async (tx) => {
    const current = await lockTrait(tx, key);
    if (current === undefined) throw problem('not-found', { resourceType: 'trait' });
    expectKeyedVersion(current, version);
    const title = patch.title ?? current.title;
    if (title === current.title) return toTrait(current);
    await amendTraitRow(tx, key, title);
    const row = await findTrait(tx, key);
    if (row === undefined) throw new Error('a trait that was amended is not there');
    const after = toTrait(row);
    await recordChanges(tx, caller, [
      { what: 'trait.amended', id: row.id, version: row.version, before: toTrait(current), after },
    ]);
    return after;
  });
}
