import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function restoreScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'restore'>,
): Promise<Result<'scope', 'restore'>> {
  throw new Error('not built');
}
