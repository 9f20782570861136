import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getQuota(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'get'>,
): Promise<Result<'quota', 'get'>> {
  throw new Error('not built');
}
