import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { NumberDomain } from '@sentral/contracts/inventory/number-domain';
import { problem } from '@sentral/contracts/problem';
import type { Command } from '../command.js';
import type { Deps } from '../deps.js';
import { concealed, readDb, sightOf } from '../reading.js';
import { findDomain, toDomain } from './sql.js';

/**
 * One number domain.
 * @throws Problem not-found
 */
export async function getDomain(
  deps: Deps,
  caller: Caller,
  command: Command<'numberDomain', 'get'>,
): Promise<NumberDomain> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const row = await findDomain(db, sight, decodeId('ndm', command.id));
  if (row === undefined) throw problem('not-found', { resourceType: 'numberDomain' });
  return concealed(db, sight, toDomain(row));
}
