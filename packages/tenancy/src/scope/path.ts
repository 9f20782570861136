import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { getScope } from './get.js';
import { listPath } from './projection-sql.js';
import { toProjection, uuidOfScope } from './row.js';
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
  const scope = await getScope(deps, caller, command);
  const rows = (await listPath(deps.db.platform, uuidOfScope(scope.id))).map(toProjection);
  return { rows, effectiveState: worstState(rows.map((each) => each.state)) };
}
