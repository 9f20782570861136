import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createToken(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'token', 'create'>,
): Promise<Result<'token', 'create'>> {
  throw new Error('not built');
}
