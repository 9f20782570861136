import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listDenyRules(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'denyRule', 'list'>,
): Promise<Result<'denyRule', 'list'>> {
  throw new Error('not built');
}
