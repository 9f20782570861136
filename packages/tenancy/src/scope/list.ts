import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listScopes(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'list'>,
): Promise<Result<'scope', 'list'>> {
  throw new Error('not built');
}
