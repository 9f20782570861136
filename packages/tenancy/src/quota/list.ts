import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { limits } from './sql.js';

/**
 * Limits, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listQuotas(
  deps: Deps,
  caller: Caller,
  command: Command<'quota', 'list'>,
): Promise<Result<'quota', 'list'>> {
  return listScoped(deps, caller, {
    noun: limits,
    page: command,
    filter: (q) => {
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
    },
  });
}
