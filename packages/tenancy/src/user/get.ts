import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getUser(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'get'>,
): Promise<Result<'user', 'get'>> {
  throw new Error('not built');
}
