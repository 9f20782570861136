import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import { isCountedIn, ownerOfDimension, quotaDimensions } from '@sentral/contracts/quota';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockToChange } from '../scope/change.js';
import { touchScope } from '../scope/events.js';
import { findScoped, scopedChange } from '../scoped.js';
import { insertLimit, limits, upsertQuotaCap } from './sql.js';

/**
 * Limits a dimension on a scope: a limit below use stops growth and nothing else.
 * @throws Problem not-found | already-exists | state-conflict
 */
export async function createQuota(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'create'>,
): Promise<Result<'quota', 'create'>> {
  const id = deps.newId();
  return inChange(deps, caller, async (tx) => {
    const scope = await lockToChange(tx, caller, command.scopeId);
    const { dimension, limit } = command;
    if (!isCountedIn(dimension, scope.kind))
      throw problem('state-conflict', { state: scope.kind, allowedStates: quotaDimensions[dimension].in });
    await insertLimit(tx, { id, scope, dimension, limit });
    if (ownerOfDimension(dimension) === 'tenancy') await upsertQuotaCap(tx, scope.id, { dimension, cap: limit });
    const after = await findScoped(tx, limits, id);
    await recordChanges(tx, caller, [
      scopedChange(limits, 'created', { before: null, after }),
      await touchScope(tx, scope),
    ]);
    return limits.to(after);
  });
}
