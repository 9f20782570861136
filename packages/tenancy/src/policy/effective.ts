import type { Caller } from '@sentral/contracts/contract';
import { effectivePolicy, type EffectiveValue } from '@sentral/contracts/policy';
import type { ScopeRow } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { pathOfScope } from '../scope/path.js';

/**
 * What holds on a scope, and which bindings made it so.
 * @throws Problem not-found
 */
export async function effectiveOfScope(
  deps: Deps,
  caller: Caller,
  command: Command<'policy', 'effective'>,
): Promise<Result<'policy', 'effective'>> {
  const { rows } = await pathOfScope(deps, caller, { id: command.scopeId });
  return folded(command.scopeId, rows, deps.now());
}

/** The fold in the shape of the contract: a list, since keys are data. */
export function folded(
  scopeId: Command<'policy', 'effective'>['scopeId'],
  path: readonly ScopeRow[],
  now: Date,
): Result<'policy', 'effective'> {
  const { policyVersion, values } = effectivePolicy(path, now);
  return {
    type: 'effectivePolicy',
    scopeId,
    policyVersion,
    values: Object.entries<EffectiveValue>(values).map(([key, { contributions, ...value }]) => ({
      key,
      ...value,
      contributions: contributions.map((each) => ({ ...each })) as Result<
        'policy',
        'effective'
      >['values'][number]['contributions'],
    })),
  };
}
