import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Finding } from '@sentral/contracts/inventory/finding';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { toFinding } from './resource.js';
import { findFinding } from './sql.js';

/**
 * One finding, resolved ones too.
 * @throws Problem not-found
 */
export async function getFinding(deps: Deps, caller: Caller, { id }: Command<'finding', 'get'>): Promise<Finding> {
  const row = await findFinding(readDb(deps, caller), sightOf(caller), decodeId('fnd', id));
  if (row === undefined) throw problem('not-found', { resourceType: 'finding' });
  return toFinding(row);
}
