import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function amendExemption(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'exemption', 'amend'>,
): Promise<Result<'exemption', 'amend'>> {
  throw new Error('not built');
}
