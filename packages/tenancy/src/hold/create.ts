import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createHold(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'hold', 'create'>,
): Promise<Result<'hold', 'create'>> {
  throw new Error('not built');
}
