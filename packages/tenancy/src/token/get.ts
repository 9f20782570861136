import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getToken(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'token', 'get'>,
): Promise<Result<'token', 'get'>> {
  throw new Error('not built');
}
