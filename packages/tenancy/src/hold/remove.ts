import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeHold(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'hold', 'remove'>,
): Promise<Result<'hold', 'remove'>> {
  throw new Error('not built');
}
