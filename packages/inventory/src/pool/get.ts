import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Pool } from '@sentral/contracts/inventory/pool';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { readDb, sightOf } from '../reading.js';
import { findPool, shownPool } from './sql.js';

/**
 * One pool, with the members that the caller sees.
 * @throws Problem not-found
 */
export async function getPool(deps: Deps, caller: Caller, command: Command<'pool', 'get'>): Promise<Pool> {
  const [db, sight] = [readDb(deps, caller), sightOf(caller)];
  const row = await findPool(db, sight, decodeId('pol', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'pool' });
  return shownPool(db, sight, row);
}
