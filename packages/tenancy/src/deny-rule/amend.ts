import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendDenyRule(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'denyRule', 'amend'>,
): Promise<Result<'denyRule', 'amend'>> {
  throw new Error('not built');
}
