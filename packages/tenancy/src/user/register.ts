import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function registerUser(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'register'>,
): Promise<Result<'user', 'register'>> {
  throw new Error('not built');
}
