import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function explainAccess(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'access', 'explain'>,
): Promise<Result<'access', 'explain'>> {
  throw new Error('not built');
}
