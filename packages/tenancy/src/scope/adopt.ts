import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function adoptTenant(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'adopt'>,
): Promise<Result<'scope', 'adopt'>> {
  throw new Error('not built');
}
