import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { limits } from './sql.js';

/**
 * One limit.
 * @throws Problem not-found
 */
export async function getQuota(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'get'>,
): Promise<Result<'quota', 'get'>> {
  return getScoped(deps, caller, { noun: limits, id: decodeId('qta', command.id) });
}
