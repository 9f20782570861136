import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeServiceAccount(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'serviceAccount', 'remove'>,
): Promise<Result<'serviceAccount', 'remove'>> {
  throw new Error('not built');
}
