import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listHolds(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'hold', 'list'>,
): Promise<Result<'hold', 'list'>> {
  throw new Error('not built');
}
