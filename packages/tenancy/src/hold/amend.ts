import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendHold(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'hold', 'amend'>,
): Promise<Result<'hold', 'amend'>> {
  throw new Error('not built');
}
