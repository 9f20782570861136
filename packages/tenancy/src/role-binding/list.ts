import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listRoleBindings(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'list'>,
): Promise<Result<'roleBinding', 'list'>> {
  throw new Error('not built');
}
