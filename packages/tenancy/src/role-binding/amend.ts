import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendRoleBinding(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'amend'>,
): Promise<Result<'roleBinding', 'amend'>> {
  throw new Error('not built');
}
