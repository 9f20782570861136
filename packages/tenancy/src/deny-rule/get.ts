import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { denyRules } from './sql.js';

/**
 * One deny rule.
 * @throws Problem not-found
 */
export async function getDenyRule(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'get'>,
): Promise<Result<'denyRule', 'get'>> {
  return getScoped(deps, caller, { noun: denyRules, id: decodeId('dny', command.id) });
}
