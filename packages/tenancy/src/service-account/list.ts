import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listServiceAccounts(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'serviceAccount', 'list'>,
): Promise<Result<'serviceAccount', 'list'>> {
  throw new Error('not built');
}
