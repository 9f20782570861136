import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { findUserRow, refuseTenants, toUser } from './sql.js';

/**
 * One user.
 * @throws Problem not-found
 */
export async function getUser(
  deps: Deps,
  caller: Caller,
  command: Command<'user', 'get'>,
): Promise<Result<'user', 'get'>> {
  refuseTenants(caller);
  return toUser(await findUserRow(deps.db.platform, decodeId('usr', command.id)));
}
