import type { Caller } from '@sentral/contracts/contract';
import type { Scope } from '@sentral/contracts/tenancy';
import type { Deps } from '../deps.js';
import { readingAs } from '../reading.js';
import { scopeFromRow, uuidOfScope } from './row.js';
import { listScopes } from './sql.js';

export interface ScopePage {
  readonly items: Scope[];
  readonly more: boolean;
}

/** The scopes that the caller may read, by id, one page after another. */
export async function pageScopes(
  deps: Deps,
  caller: Caller,
  command: { afterId?: string | undefined; limit: number },
): Promise<ScopePage> {
  const after = command.afterId === undefined ? null : uuidOfScope(command.afterId);
  const rows = await readingAs(deps, caller, (on, visible) =>
    listScopes(on, { after, limit: command.limit + 1 }, visible),
  );
  return { items: rows.slice(0, command.limit).map(scopeFromRow), more: rows.length > command.limit };
}
