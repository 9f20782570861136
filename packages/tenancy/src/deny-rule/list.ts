import type { Caller } from '@sentral/contracts/contract';
import type { Command, Result } from '../command.js';
import type { Deps } from '../deps.js';
import { uuidOfScope } from '../scope/row.js';
import { listScoped } from '../scoped.js';
import { denyRules } from './sql.js';

/**
 * Deny rules, ordered by id.
 * @throws Problem invalid-cursor
 */
export async function listDenyRules(
  deps: Deps,
  caller: Caller,
  command: Command<'denyRule', 'list'>,
): Promise<Result<'denyRule', 'list'>> {
  return listScoped(deps, caller, {
    noun: denyRules,
    page: command,
    filter: (q) => {
      if (command.scopeId !== undefined) q.and(`x.scope_id = ${q.value(uuidOfScope(command.scopeId))}::uuid`);
    },
  });
}
