import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { holds } from './sql.js';

/**
 * One hold.
 * @throws Problem not-found
 */
export async function getHold(
  deps: Deps,
  caller: Caller,
  command: Command<'hold', 'get'>,
): Promise<Result<'hold', 'get'>> {
  return getScoped(deps, caller, { noun: holds, id: decodeId('hol', command.id) });
}
