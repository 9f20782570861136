import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function resumeScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'scope', 'resume'>,
): Promise<Result<'scope', 'resume'>> {
  throw new Error('not built');
}
