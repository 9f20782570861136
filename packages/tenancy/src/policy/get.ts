import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function getPolicy(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'policy', 'get'>,
): Promise<Result<'policy', 'get'>> {
  throw new Error('not built');
}
