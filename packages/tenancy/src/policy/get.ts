import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { kindOfScope, scopeId, uuidOfScope } from '../scope/row.js';
import { findScope } from '../scope/sql.js';
import { findPolicy, toPolicy } from './sql.js';

/**
 * What is bound on this very scope; version 0 while nothing ever was.
 * @throws Problem not-found
 */
export async function getPolicy(
  deps: Deps,
  caller: Caller,
  command: Command<'policy', 'get'>,
): Promise<Result<'policy', 'get'>> {
  const id = uuidOfScope(command.scopeId);
  return readingAs(deps, caller, async (on, visible) => {
    const scope = await findScope(on, id, visible);
    if (scope === undefined || scopeId(scope.kind, scope.id) !== command.scopeId)
      throw problem('not-found', { resourceType: kindOfScope(command.scopeId) });
    return toPolicy(scope, await findPolicy(on, id));
  });
}
