import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeRoleBinding(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'remove'>,
): Promise<Result<'roleBinding', 'remove'>> {
  throw new Error('not built');
}
