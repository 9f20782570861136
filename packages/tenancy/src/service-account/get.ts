import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getServiceAccount(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'serviceAccount', 'get'>,
): Promise<Result<'serviceAccount', 'get'>> {
  throw new Error('not built');
}
