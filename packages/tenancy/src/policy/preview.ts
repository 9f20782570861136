import type { Caller } from '@sentral/contracts/contract';
import { encodeId } from '@sentral/contracts/ids';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pathOfScope } from '../scope/path.js';
import { folded } from './effective.js';

/**
 * What would hold on a scope if these were its bindings; nothing is changed.
 * @throws Problem not-found
 */
export async function previewPolicy(
  deps: Deps,
  caller: Caller,
  command: Command<'policy', 'preview'>,
): Promise<Result<'policy', 'preview'>> {
  const policyBindings = command.bindings.map((binding) => ({
    ...binding,
    id: encodeId('plb', deps.newId()),
  }));
  const { rows } = await pathOfScope(deps, caller, { id: command.scopeId });
  const tried = rows.map((row) => (row.id === command.scopeId ? { ...row, policyBindings } : row));
  return folded(command.scopeId, tried, deps.now());
}
