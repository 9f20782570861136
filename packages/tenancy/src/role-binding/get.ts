import type { Caller } from '@sentral/contracts/contract';
import { decodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScoped } from '../scoped.js';
import { bindings } from './sql.js';

/**
 * One binding.
 * @throws Problem not-found
 */
export async function getRoleBinding(
  deps: Deps,
  caller: Caller,
  command: Command<'roleBinding', 'get'>,
): Promise<Result<'roleBinding', 'get'>> {
  return getScoped(deps, caller, { noun: bindings, id: decodeId('rbd', command.id) });
}
