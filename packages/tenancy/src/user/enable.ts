import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function enableUser(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'enable'>,
): Promise<Result<'user', 'enable'>> {
  throw new Error('not built');
}
