import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendServiceAccount(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'serviceAccount', 'amend'>,
): Promise<Result<'serviceAccount', 'amend'>> {
  throw new Error('not built');
}
