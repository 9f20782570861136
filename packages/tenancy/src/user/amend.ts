import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendUser(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'user', 'amend'>,
): Promise<Result<'user', 'amend'>> {
  throw new Error('not built');
}
