import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function useOfQuota(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'use'>,
): Promise<Result<'quota', 'use'>> {
  throw new Error('not built');
}
