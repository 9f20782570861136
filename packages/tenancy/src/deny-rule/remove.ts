import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeDenyRule(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'denyRule', 'remove'>,
): Promise<Result<'denyRule', 'remove'>> {
  throw new Error('not built');
}
