import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendQuota(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'amend'>,
): Promise<Result<'quota', 'amend'>> {
  throw new Error('not built');
}
