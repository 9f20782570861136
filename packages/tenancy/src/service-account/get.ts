import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { accounts } from './sql.js';

/**
 * One service account.
 * @throws Problem not-found
 */
export async function getServiceAccount(
  deps: Deps,
  caller: Caller,
  command: Command<'serviceAccount', 'get'>,
): Promise<Result<'serviceAccount', 'get'>> {
  return getScoped(deps, caller, { noun: accounts, id: decodeId('sac', command.id) });
}
