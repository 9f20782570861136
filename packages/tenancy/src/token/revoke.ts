import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function revokeToken(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'token', 'revoke'>,
): Promise<Result<'token', 'revoke'>> {
  throw new Error('not built');
}
