import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'amend'>,
): Promise<Result<'scope', 'amend'>> {
  throw new Error('not built');
}
