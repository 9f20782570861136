import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createQuota(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'create'>,
): Promise<Result<'quota', 'create'>> {
  throw new Error('not built');
}
