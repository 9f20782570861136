import type { Caller } from '@sentral/contracts/contract';
import { problem } from '@sentral/contracts/problem';
import type { Scope } from '@sentral/contracts/tenancy/scope';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { kindOfScope, toScope, uuidOfScope } from './row.js';
import { findScope } from './sql.js';

/**
 * One scope; what the caller may not read does not exist for it.
 * @throws Problem not-found
 */
export async function getScope(deps: Deps, caller: Caller, command: { id: string }): Promise<Scope> {
  const row = await readingAs(deps, caller, (on, visible) => findScope(on, uuidOfScope(command.id), visible));
  const scope = row === undefined ? undefined : toScope(row);
  // An id of another kind with the same uuid is not this scope.
  if (scope === undefined || scope.id !== command.id)
    throw problem('not-found', { resourceType: kindOfScope(command.id) });
  return scope;
}
