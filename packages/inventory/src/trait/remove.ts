import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Trait } from '@sentral/contracts/inventory/trait';
import { problem } from '@sentral/contracts/problem';
import { inChange } from '../change.js';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { recordChanges } from '../events.js';
import { seenIds, sightOf } from '../reading.js';
import { expectKeyedVersion } from '../version.js';
import { deleteTrait, listNodesOfTrait, lockTrait, toTrait } from './sql.js';

/**
 * Ends a trait that no node has.
 * @throws Problem not-found, version-mismatch, has-dependents
 */
export function removeTrait(deps: Deps, caller: Caller, { key, version }: Command<'trait', 'remove'>): Promise<Trait> {
  return inChange(deps, caller, async (tx) => {
    const current = await lockTrait(tx, key);
    if (current === undefined) throw problem('not-found', { resourceType: 'trait' });
    expectKeyedVersion(current, version);
    const nodes = await listNodesOfTrait(tx, key);
    if (nodes.length > 0) {
      const seen = await seenIds(tx, sightOf(caller), { noun: 'node', ids: nodes.map(({ id }) => id) });
      const ids = nodes.filter(({ id }) => seen.has(id)).map(({ id }) => encodeId('nod', id));
      const count = seen.size === nodes.length ? (nodes[0]?.count ?? 0) : ids.length;
      throw problem('has-dependents', { dependents: ids.length === 0 ? [] : [{ type: 'node', count, ids }] });
    }
    await deleteTrait(tx, key);
    const before = toTrait(current);
    const after = { ...before, version: current.version + 1 };
    await recordChanges(tx, caller, [
      { what: 'trait.removed', id: current.id, version: after.version, before, after, event: after },
    ]);
    return after;
  });
}
