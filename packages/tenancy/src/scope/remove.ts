import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function removeScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'remove'>,
): Promise<Result<'scope', 'remove'>> {
  throw new Error('not built');
}
