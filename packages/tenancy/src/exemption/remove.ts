import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeExemption(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'exemption', 'remove'>,
): Promise<Result<'exemption', 'remove'>> {
  throw new Error('not built');
}
