import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function createScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'create'>,
): Promise<Result<'scope', 'create'>> {
  throw new Error('not built');
}
