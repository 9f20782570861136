import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createServiceAccount(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'serviceAccount', 'create'>,
): Promise<Result<'serviceAccount', 'create'>> {
  throw new Error('not built');
}
