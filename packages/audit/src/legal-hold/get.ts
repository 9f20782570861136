import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { findLegalHold, toLegalHold } from './sql.js';

/**
 * One legal hold.
 * @throws Problem not-found
 */
export async function getLegalHold(
  deps: Deps,
  caller: Caller,
  command: Command<'legalHold', 'get'>,
): Promise<Result<'legalHold', 'get'>> {
  const id = decodeId('lgh', command.id);
  const row = await readingAs(deps, caller, (on, visible) => findLegalHold(on, id, visible));
  if (row === undefined) throw problem('not-found', { resourceType: 'legalHold' });
  return toLegalHold(row);
}
