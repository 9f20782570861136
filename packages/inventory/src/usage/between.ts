import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function usageBetween(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'usage', 'between'>,
): Promise<Result<'usage', 'between'>> {
  throw new Error('not built');
}
