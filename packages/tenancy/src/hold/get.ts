import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getHold(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'hold', 'get'>,
): Promise<Result<'hold', 'get'>> {
  throw new Error('not built');
}
