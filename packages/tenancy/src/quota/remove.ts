import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeQuota(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'remove'>,
): Promise<Result<'quota', 'remove'>> {
  throw new Error('not built');
}
