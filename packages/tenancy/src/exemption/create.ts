import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createExemption(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'exemption', 'create'>,
): Promise<Result<'exemption', 'create'>> {
  throw new Error('not built');
}
