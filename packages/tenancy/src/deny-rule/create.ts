import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createDenyRule(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'denyRule', 'create'>,
): Promise<Result<'denyRule', 'create'>> {
  throw new Error('not built');
}
