import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function rotateToken(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'token', 'rotate'>,
): Promise<Result<'token', 'rotate'>> {
  throw new Error('not built');
}
