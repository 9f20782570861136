import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getRoleBinding(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'get'>,
): Promise<Result<'roleBinding', 'get'>> {
  throw new Error('not built');
}
