import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { exemptions } from './sql.js';

/**
 * One exemption.
 * @throws Problem not-found
 */
export async function getExemption(
  deps: Deps,
  caller: Caller,
  command: Command<'exemption', 'get'>,
): Promise<Result<'exemption', 'get'>> {
  return getScoped(deps, caller, { noun: exemptions, id: decodeId('pex', command.id) });
}
