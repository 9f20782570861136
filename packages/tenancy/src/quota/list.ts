import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listQuotas(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'quota', 'list'>,
): Promise<Result<'quota', 'list'>> {
  throw new Error('not built');
}
