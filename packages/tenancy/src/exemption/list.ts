import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listExemptions(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'exemption', 'list'>,
): Promise<Result<'exemption', 'list'>> {
  throw new Error('not built');
}
