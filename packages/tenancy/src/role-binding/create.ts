import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createRoleBinding(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'create'>,
): Promise<Result<'roleBinding', 'create'>> {
  throw new Error('not built');
}
