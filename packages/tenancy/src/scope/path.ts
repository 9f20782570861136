import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScope } from './get.js';
import { listPath } from './projection-sql.js';
import { kindOfScope, toProjection, uuidOfScope } from './row.js';
import { worstState } from './rules.js';

/**
 * The scope and its ancestors, the platform first. Whoever may read a scope may know what lies above it: what holds in it
 * depends on that.
 * @throws Problem not-found
 */
export async function pathOfScope(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'path'>,
): Promise<Result<'scope', 'path'>> {
  // Who may read everything needs no look before: what is not there has no path.
  if (!('all' in caller.readScope)) await getScope(deps, caller, command);
  const rows = (await listPath(deps.db.platform, uuidOfScope(command.id))).map(toProjection);
  // An id of another kind with the same uuid is not this scope.
  if (rows.at(-1)?.id !== command.id) throw problem('not-found', { resourceType: kindOfScope(command.id) });
  return { rows, effectiveState: worstState(rows.map((each) => each.state)) };
}
