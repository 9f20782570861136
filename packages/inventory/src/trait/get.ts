import type { Caller } from '@sentral/contracts/contract';
import type { Trait } from '@sentral/contracts/inventory/trait';
import { problem } from '@sentral/contracts/problem';
import type { Deps } from '../deps.js';
import { readDb } from '../reading.js';
import { findTrait, toTrait } from './sql.js';

/**
 * One trait by its key.
 * @throws Problem not-found
 */
export async function getTrait(deps: Deps, caller: Caller, command: { key: string }): Promise<Trait> {
  const row = await findTrait(readDb(deps, caller), command.key);
  if (row === undefined) throw problem('not-found', { resourceType: 'trait' });
  return toTrait(row);
}
