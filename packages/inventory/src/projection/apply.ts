import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function applyProjection(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'projection', 'apply'>,
): Promise<Result<'projection', 'apply'>> {
  throw new Error('not built');
}
