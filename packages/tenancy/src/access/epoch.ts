import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function epochOfAccess(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'access', 'epoch'>,
): Promise<Result<'access', 'epoch'>> {
  throw new Error('not built');
}
