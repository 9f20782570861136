import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function effectiveOfScope(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'policy', 'effective'>,
): Promise<Result<'policy', 'effective'>> {
  throw new Error('not built');
}
