import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function snapshotOfAccess(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'access', 'snapshot'>,
): Promise<Result<'access', 'snapshot'>> {
  throw new Error('not built');
}
