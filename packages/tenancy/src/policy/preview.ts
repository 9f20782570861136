import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function previewPolicy(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'policy', 'preview'>,
): Promise<Result<'policy', 'preview'>> {
  throw new Error('not built');
}
