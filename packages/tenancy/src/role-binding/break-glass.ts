import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function breakGlass(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'roleBinding', 'breakGlass'>,
): Promise<Result<'roleBinding', 'breakGlass'>> {
  throw new Error('not built');
}
