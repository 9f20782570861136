import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function suspendScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'suspend'>,
): Promise<Result<'scope', 'suspend'>> {
  throw new Error('not built');
}
