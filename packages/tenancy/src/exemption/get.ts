import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getExemption(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'exemption', 'get'>,
): Promise<Result<'exemption', 'get'>> {
  throw new Error('not built');
}
