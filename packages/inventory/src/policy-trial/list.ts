import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';

export async function listPolicyTrial(
  _deps: Deps,
  _caller: Caller,
  _command: Command<'policyTrial', 'list'>,
): Promise<Result<'policyTrial', 'list'>> {
  throw new Error('not built');
}
