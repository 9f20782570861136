import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listUsers(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'list'>,
): Promise<Result<'user', 'list'>> {
  throw new Error('not built');
}
