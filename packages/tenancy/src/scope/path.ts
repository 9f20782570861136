import type { Caller } from '@sentral/contracts/contract';
import type { Scope } from '@sentral/contracts/tenancy';
import type { Deps } from '../deps.js';
import { getScope } from './get.js';
import { scopeFromRow, uuidOfScope } from './row.js';
import { worstState } from './rules.js';
import { listAncestry } from './sql.js';

export interface ScopePath {
  readonly items: Scope[];
  readonly effectiveState: Scope['state'];
}

/**
 * The scope and its ancestors, the platform first. Whoever may read a scope may know what lies above it: the state that counts depends on it.
 * @throws Problem not-found
 */
export async function pathOfScope(deps: Deps, caller: Caller, command: { id: string }): Promise<ScopePath> {
  const scope = await getScope(deps, caller, command);
  const rows = await listAncestry(deps.db.platform, uuidOfScope(scope.id));
  const items = rows.map(scopeFromRow);
  return { items, effectiveState: worstState(items.map((each) => each.state)) };
}
