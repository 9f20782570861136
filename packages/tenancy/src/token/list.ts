import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listTokens(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'token', 'list'>,
): Promise<Result<'token', 'list'>> {
  throw new Error('not built');
}
