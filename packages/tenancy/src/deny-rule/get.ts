import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getDenyRule(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'denyRule', 'get'>,
): Promise<Result<'denyRule', 'get'>> {
  throw new Error('not built');
}
