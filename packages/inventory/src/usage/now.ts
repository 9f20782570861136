import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function usageNow(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'usage', 'now'>,
): Promise<Result<'usage', 'now'>> {
  throw new Error('not built');
}
