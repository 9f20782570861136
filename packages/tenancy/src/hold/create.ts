import type { Caller } from '@sentral/contracts/contract';
import { isProblem, problem } from '@sentral/contracts/problem';
import { inChange, recordChanges } from '../change.js';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { lockToChange } from '../scope/change.js';
import { tenancyItself } from '../scope/dependents.js';
import { touchScope } from '../scope/events.js';
import { listPath } from '../scope/projection-sql.js';
import { uuidOfScope } from '../scope/row.js';
import { findScoped, scopedChange } from '../scoped.js';
import { holds, insertHold } from './sql.js';

/**
 * Sets a hold. The answer comes when every context has taken it in: from then on nothing that it lies on can go. Asked again
 * with the same key it waits for that again.
 * @throws Problem not-found | scope-not-active | state-conflict | dependency-unavailable
 */
export async function createHold(
  deps: Deps,
  caller: Caller,
  command: Command<'hold', 'create'>,
): Promise<Result<'hold', 'create'>> {
  const id = deps.newId();
  const made = await inChange(deps, caller, async (tx) => {
    const scope = await lockToChange(tx, caller, command.scopeId);
    const { resourceId = null, origin, reason, expiresAt = null } = command;
    await insertHold(tx, { id, scope, resourceId, origin, reason, expiresAt, createdBy: caller.principal.id });
    const after = await findScoped(tx, holds, id);
    if (after.expired) {
      throw problem('validation-failed', {
        errors: [{ pointer: '/expiresAt', code: 'in_the_past', message: 'must lie in the future' }],
      });
    }
    await recordChanges(tx, caller, [
      scopedChange(holds, 'created', { before: null, after }),
      await touchScope(tx, scope),
    ]);
    return holds.to(after);
  });
  if (caller.dryRun !== true) await tellEveryContext(deps, command.scopeId);
  return made;
}

/** @throws Problem dependency-unavailable */
async function tellEveryContext(deps: Deps, scopeId: string): Promise<void> {
  const rows = await listPath(deps.db.app, uuidOfScope(scopeId));
  for (const [dependency, context] of Object.entries(deps.scopeUsers)) {
    try {
      await context.projection.apply(tenancyItself(rows), {});
    } catch (error) {
      deps.telemetry.log('warn', 'a context did not take in a hold', {
        context: dependency,
        error: isProblem(error) ? error.code : error,
      });
      throw problem(
        'dependency-unavailable',
        { dependency },
        'The hold is set and that context will hear of it; ask again with the same key to be told when it has.',
      );
    }
  }
}
