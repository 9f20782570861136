import type { Caller } from '@sentral/contracts/contract';
import { decodeId, encodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findDomain } from '../number-domain/sql.js';
import { readDb, sightOf } from '../reading.js';
import { freeNumbers } from './rules.js';
import { findRange, findRangeContent } from './sql.js';

/**
 * What of a range, or of all ranges of a domain, is free.
 * @throws Problem not-found
 */
export async function availableInRange(
  deps: Deps,
  caller: Caller,
  command: Command<'numberRange', 'available'>,
): Promise<Result<'numberRange', 'available'>> {
  const db = readDb(deps, caller);
  const sight = sightOf(caller);
  const range = 'id' in command ? await findRange(db, sight, decodeId('rng', command.id)) : undefined;
  if ('id' in command && range === undefined) throw problem('not-found', { resourceType: 'numberRange' });
  const domain = await findDomain(
    db,
    sight,
    'domainId' in command ? decodeId('ndm', command.domainId) : (range?.domainId ?? ''),
  );
  if (domain === undefined) throw problem('not-found', { resourceType: 'numberDomain' });
  const { ranges, held } = await findRangeContent(db, domain.id, range?.id ?? null);
  return { domainId: encodeId('ndm', domain.id), ...freeNumbers(ranges, held, command.limit) };
}
