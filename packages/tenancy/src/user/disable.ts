import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function disableUser(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'disable'>,
): Promise<Result<'user', 'disable'>> {
  throw new Error('not built');
}
