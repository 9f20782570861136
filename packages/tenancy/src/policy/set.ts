import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function setPolicy(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'policy', 'set'>,
): Promise<Result<'policy', 'set'>> {
  throw new Error('not built');
}
