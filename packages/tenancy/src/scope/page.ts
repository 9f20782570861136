import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { listProjections } from './projection-sql.js';
import { toProjection, uuidOfScope } from './row.js';

/**
 * All scopes by id, one page after another, as the projections of other contexts hold them.
 * @throws Problem permission-denied
 */
export async function pageScopes(
  deps: Deps,
  caller: Caller,
  command: Command<'scope', 'page'>,
): Promise<Result<'scope', 'page'>> {
  // Holds and policies of every tenant: for the contexts themselves.
  if (!('all' in caller.readScope)) throw problem('permission-denied', { missingPermission: 'tenancy.scope.page' });
  const after = command.afterId === undefined ? null : uuidOfScope(command.afterId);
  const rows = await listProjections(deps.db.platform, { after, limit: command.limit + 1 });
  return { rows: rows.slice(0, command.limit).map(toProjection), more: rows.length > command.limit };
}
